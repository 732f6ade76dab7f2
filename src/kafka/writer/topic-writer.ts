import type { Logger } from 'pino'
import type { OutgoingRecord } from '../../record.ts'
import { defaultsOf, type TopicRule, type WriteDefaults } from '../../topic-defaults.ts'
import type { Cluster } from '../cluster.ts'
import type { Acks } from '../wire/produce.ts'
import { RecordWriter, type WriteOptions } from './record-writer.ts'
import type { RecordResult } from './write-request.ts'

/** What a request may choose for its records; the topic's defaults hold for the rest. */
export interface WriteChoice extends WriteOptions {
  readonly acks?: Acks | undefined
}

/** Topics whose defaults are remembered; past it they are worked out anew. */
const MAX_REMEMBERED = 10_000

/** Writes records as their topic's defaults and the request have it. Records of different `acks` share no queue. */
export class TopicWriter {
  readonly #defaults: WriteDefaults
  readonly #rules: readonly TopicRule[]
  readonly #remembered = new Map<string, WriteDefaults>()
  readonly #writers: Readonly<Record<Acks, RecordWriter>>

  constructor(cluster: Cluster, defaults: WriteDefaults, rules: readonly TopicRule[], log: Logger) {
    this.#defaults = defaults
    this.#rules = rules
    const codecOf = (topic: string) => this.#of(topic).compression
    const { timeoutMs } = defaults
    this.#writers = {
      all: new RecordWriter(cluster, { timeoutMs, codecOf }, log),
      1: new RecordWriter(cluster, { timeoutMs, codecOf, acks: '1' }, log),
    }
  }

  #of(topic: string): WriteDefaults {
    if (this.#rules.length === 0) return this.#defaults
    let found = this.#remembered.get(topic)
    if (found === undefined) {
      found = defaultsOf(topic, this.#rules, this.#defaults)
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(topic, found)
    }
    return found
  }

  /** Gets a producer id ahead of the first record. */
  start(): void {
    this.#writers[this.#defaults.acks].start()
  }

  /** As RecordWriter.write. */
  write(
    topic: string,
    records: readonly OutgoingRecord[],
    choice: WriteChoice = {},
  ): Promise<RecordResult[]> {
    const { acks, timeoutMs } = this.#of(topic)
    const { onQueued, order } = choice
    const options = { timeoutMs: choice.timeoutMs ?? timeoutMs, onQueued, order }
    return this.#writers[choice.acks ?? acks].write(topic, records, options)
  }

  close(): void {
    for (const writer of Object.values(this.#writers)) writer.close()
  }
}
