import { LabelNames, OTHER } from './label-names.ts'

/** What went in and out of one topic through this process. */
export interface TopicCounts {
  written: number
  notWritten: number
  unknown: number
  /** Of what was written: keys and values. */
  writtenBytes: number
  delivered: number
  deliveredBytes: number
}

/** What is counted of a record that was to be written. */
interface Sent {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** What is counted of a record that was read. */
interface Read {
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** Counts records and their bytes by topic, for so many topics; those that come later share one row. */
export class TopicTraffic {
  readonly #names: LabelNames
  readonly #topics = new Map<string, TopicCounts>()
  /** The last records that were measured: those who read along are given the same ones right after each other. */
  #measured: readonly Read[] | undefined
  #measuredBytes = 0

  constructor(topics: number) {
    this.#names = new LabelNames(topics)
  }

  entries(): IterableIterator<[topic: string, counts: Readonly<TopicCounts>]> {
    return this.#topics.entries()
  }

  /** Takes note of what became of records, in their order. */
  produced(
    topic: string,
    records: readonly Sent[],
    results: readonly { readonly outcome: 'written' | 'not_written' | 'unknown' }[],
  ): void {
    const counts = this.#of(topic)
    for (let i = 0; i < results.length; i++) {
      const { outcome } = results[i]!
      if (outcome === 'written') {
        counts.written++
        counts.writtenBytes += sizeOf(records[i]!)
      } else if (outcome === 'unknown') counts.unknown++
      else counts.notWritten++
    }
  }

  /** The same of records that share their outcome. */
  producedAll(topic: string, records: readonly Sent[], outcome: 'written' | 'not_written' | 'unknown'): void {
    const result = { outcome }
    for (const record of records) this.produced(topic, [record], [result])
  }

  /** Takes note of records whose topic was not found: its name may be anything. */
  refused(records: number): void {
    if (records > 0) this.#of(undefined).notWritten += records
  }

  /** Takes note of records that a client was sent. */
  delivered(topic: string, records: readonly Read[]): void {
    if (records !== this.#measured) {
      this.#measuredBytes = 0
      for (const { keyStart, keyEnd, valueStart, valueEnd } of records) {
        if (keyStart >= 0) this.#measuredBytes += keyEnd - keyStart
        if (valueStart >= 0) this.#measuredBytes += valueEnd - valueStart
      }
      this.#measured = records
    }
    const counts = this.#of(topic)
    counts.delivered += records.length
    counts.deliveredBytes += this.#measuredBytes
  }

  #of(topic: string | undefined): TopicCounts {
    const known = topic === undefined ? undefined : this.#topics.get(topic)
    if (known !== undefined) return known
    const name = topic === undefined ? OTHER : this.#names.of(topic)
    let counts = this.#topics.get(name)
    if (counts === undefined) {
      counts = { written: 0, notWritten: 0, unknown: 0, writtenBytes: 0, delivered: 0, deliveredBytes: 0 }
      this.#topics.set(name, counts)
    }
    return counts
  }
}

function sizeOf({ key, value }: Sent): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}
