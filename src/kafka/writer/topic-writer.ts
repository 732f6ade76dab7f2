import type { Logger } from 'pino'
import type { OutgoingRecord } from '../../records/record.ts'
import type { TopicDefaults } from '../../config/topic-defaults.ts'
import type { Cluster } from '../cluster.ts'
import type { Acks } from '../wire/produce.ts'
import { RecordWriter, type WriteOptions } from './record-writer.ts'
import type { RecordResult } from './write-request.ts'

/** What a request may choose for its records; the topic's defaults hold for the rest. */
export interface WriteChoice extends WriteOptions {
  readonly acks?: Acks | undefined
}

/** Writes records as their topic's defaults and the request have it. Records of different `acks` share no queue. */
export class TopicWriter {
  readonly #defaults: TopicDefaults
  readonly #writers: Readonly<Record<Acks, RecordWriter>>

  constructor(cluster: Cluster, defaults: TopicDefaults, log: Logger) {
    this.#defaults = defaults
    const codecOf = (topic: string) => defaults.of(topic).compression
    const { timeoutMs } = defaults.general
    this.#writers = {
      all: new RecordWriter(cluster, { timeoutMs, codecOf }, log),
      1: new RecordWriter(cluster, { timeoutMs, codecOf, acks: '1' }, log),
    }
  }

  /** Gets a producer id ahead of the first record. */
  start(): void {
    this.#writers[this.#defaults.general.acks].start()
  }

  /** As RecordWriter.write. */
  write(
    topic: string,
    records: readonly OutgoingRecord[],
    choice: WriteChoice = {},
  ): Promise<RecordResult[]> {
    const { acks, timeoutMs } = this.#defaults.of(topic)
    const { onQueued, order } = choice
    const options = { timeoutMs: choice.timeoutMs ?? timeoutMs, onQueued, order }
    return this.#writers[choice.acks ?? acks].write(topic, records, options)
  }

  close(): void {
    for (const writer of Object.values(this.#writers)) writer.close()
  }
}
