import type { Cluster } from '../kafka/cluster.ts'
import type { PartitionPosition } from '../kafka/record-reader.ts'
import { Problem } from '../problems/problem.ts'
import type { StartPosition } from '../records/start-position.ts'
import { startPositions } from '../streams/positions.ts'
import type { WsConnection } from './connection.ts'
import { notAssigned, type PausableReader } from './pausable-reader.ts'
import type { SubscriptionOptions } from './subscription-options.ts'

/** Most seeks of one socket that wait for Kafka. */
export const MAX_SEEKS = 32

export interface Seek {
  readonly topic: string
  /** All assigned partitions of the topic where it is undefined. */
  readonly partition: number | undefined
  readonly to: StartPosition
}

export interface SeeksParts {
  readonly cluster: Cluster
  readonly connection: WsConnection
  readonly reader: PausableReader
  readonly isolation: SubscriptionOptions['isolation']
  /** Says `assigned`, and reads on from there. */
  readonly begin: (positions: readonly PartitionPosition[]) => void
}

/**
 * Carries out one seek after the other: each is answered by `assigned`, or an `error` that leaves everything as it was.
 * While its offsets are looked up reading goes on; a partition that is taken meanwhile, or taken and had again, is not
 * moved any more.
 */
export class Seeks {
  readonly #parts: SeeksParts
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #stopped = false

  constructor(parts: SeeksParts) {
    this.#parts = parts
  }

  /** @throws Problem not_assigned, too_many_seeks */
  add(seek: Seek): void {
    const { reader } = this.#parts
    const { topic, partition } = seek
    const numbers = partition === undefined ? reader.partitionsOf(topic) : [partition]
    const wanted = new Map(numbers.map((number) => [number, reader.tenure({ topic, partition: number })]))
    if (wanted.size === 0 || [...wanted.values()].includes(undefined)) throw notAssigned(seek)
    if (this.#waiting >= MAX_SEEKS) throw new Problem('too_many_seeks')
    this.#waiting++
    this.#last = this.#last.then(async () => {
      await this.#run(seek, wanted)
      this.#waiting--
    })
  }

  /** Answers nothing any more. */
  stop(): void {
    this.#stopped = true
  }

  async #run({ topic, partition, to }: Seek, wanted: ReadonlyMap<number, object | undefined>): Promise<void> {
    const { cluster, connection, reader, isolation, begin } = this.#parts
    try {
      const info = await cluster.topic(topic)
      if (info === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${topic}.` })
      const found = await startPositions(cluster, info, [...wanted.keys()], to, isolation)
      const held = found.filter((position) => reader.tenure(position) === wanted.get(position.partition))
      if (this.#stopped) return
      if (held.length === 0) throw notAssigned({ topic, partition })
      begin(held)
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
      if (problem.status >= 500)
        connection.log.debug({ code: problem.code, cause: problem.cause }, 'seek failed')
      if (!this.#stopped) connection.sendError(problem, 'seek')
    }
  }
}
