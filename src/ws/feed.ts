import type { Cluster } from '../kafka/cluster.ts'
import type { PartitionPosition } from '../kafka/record-reader.ts'
import type { EventReader } from '../streams/event-reader.ts'
import type { WsConnection } from './connection.ts'
import { PausableReader } from './pausable-reader.ts'
import { Receipts } from './receipts.ts'
import { RecordsFrame } from './records-frame.ts'
import { type Seek, Seeks } from './seeks.ts'
import type { SubscriptionOptions } from './subscription-options.ts'
import { noCredit, type Window, windowOf } from './window.ts'
import { WindowedReader } from './windowed-reader.ts'
import type { TopicPartition } from '../kafka/topic-partition.ts'

/** What a client reads with, and what it may say of that; the same for every kind of subscription. */
export class Feed {
  /** What the subscription takes its events from. */
  readonly reader: EventReader
  readonly receipts: Receipts
  readonly #connection: WsConnection
  readonly #pausable: PausableReader
  readonly #window: Window | undefined
  readonly #windowed: WindowedReader | undefined
  readonly #seeks: Seeks

  /**
   * `proof` is how it becomes known what the client has, where somebody wants to know; a window does in any case. `begin`
   * has the subscription read on from where a seek leads.
   */
  constructor(
    cluster: Cluster,
    connection: WsConnection,
    reader: EventReader,
    options: SubscriptionOptions,
    proof: 'pong' | 'ack' | undefined,
    begin: (positions: readonly PartitionPosition[]) => void,
  ) {
    const { isolation, format } = options
    const window = windowOf(options)
    const pausable = new PausableReader(reader)
    if (window !== undefined) {
      const scale = new RecordsFrame(format)
      this.#windowed = new WindowedReader(pausable, window, (...record) => scale.measure(...record))
    }
    this.#connection = connection
    this.#window = window
    this.#pausable = pausable
    this.reader = this.#windowed ?? pausable
    this.receipts = new Receipts(connection, proof ?? (window && 'pong'), window)
    this.#seeks = new Seeks({ cluster, connection, reader: pausable, isolation, begin })
  }

  /** Takes note of what has been sent, as Stream's handler does. */
  sent(topic: string, partition: number, lastRecord: number, position: number): void {
    this.#pausable.moveTo({ topic, partition }, position)
    this.#windowed?.moveTo({ topic, partition }, position)
    this.receipts.delivered(topic, partition, lastRecord, position)
  }

  /** @throws Problem not_assigned */
  pause(partitions?: readonly TopicPartition[]): void {
    this.#connection.send({ type: 'paused', partitions: this.#pausable.pause(partitions) })
  }

  /** @throws Problem not_assigned */
  resume(partitions?: readonly TopicPartition[]): void {
    this.#connection.send({ type: 'resumed', partitions: this.#pausable.resume(partitions) })
  }

  /** @throws Problem not_assigned, too_many_seeks */
  seek(seek: Seek): void {
    this.#seeks.add(seek)
  }

  /** @throws Problem invalid_request where no credit is asked for, or there is too much of it */
  credit(records: number, bytes: number | undefined): void {
    if (this.#window === undefined) throw noCredit()
    this.#window.credit(records, bytes)
  }

  stop(): void {
    this.#seeks.stop()
    this.reader.close()
  }
}
