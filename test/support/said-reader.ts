import type { FetchedRecord } from '../../src/records/fetched-record.ts'
import type { PartitionPosition, ReaderEvent } from '../../src/kafka/record-reader.ts'
import type { EventReader } from '../../src/streams/event-reader.ts'

const topic = 't'

export function at(partition: number, offset = 0): PartitionPosition {
  return { topic, topicId: 'id', partition, offset }
}

export function records(partition: number, from: number, count: number, end: number, size = 1): ReaderEvent {
  const bytes = Buffer.alloc(size, 'x')
  const list = Array.from({ length: count }, (_, n): FetchedRecord => {
    const key = { keyStart: -1, keyEnd: -1 }
    const value = { valueStart: 0, valueEnd: size }
    const headers = { headersStart: 0, headerCount: 0 }
    return {
      offset: from + n,
      timestamp: 0,
      timestampType: 'CreateTime',
      bytes,
      ...key,
      ...value,
      ...headers,
    }
  })
  return { kind: 'records', topic, partition, records: list, nextOffset: from + count, end, bytes: size }
}

export function progress(partition: number, nextOffset: number, end: number): ReaderEvent {
  return { kind: 'progress', topic, partition, nextOffset, end }
}

/** Lets everything go on that waits for nothing but its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A reader that says what the test tells it to. */
export class SaidReader implements EventReader {
  /** From where each partition is read. */
  readonly reads = new Map<number, number>()
  readonly #moved = new Set<number>()
  readonly trouble = undefined
  readonly #takers: ((events: ReaderEvent[]) => void)[] = []
  closed = false

  assign(positions: readonly PartitionPosition[]): void {
    for (const { partition, offset } of positions) {
      this.#moved.add(partition)
      this.reads.set(partition, offset)
    }
  }

  unassign(partitions: readonly { partition: number }[]): void {
    for (const { partition } of partitions) {
      this.#moved.add(partition)
      this.reads.delete(partition)
    }
  }

  isCurrent({ partition }: { partition: number }): boolean {
    return !this.#moved.has(partition)
  }

  next(): Promise<ReaderEvent[]> {
    return this.closed ? Promise.resolve([]) : new Promise((resolve) => this.#takers.push(resolve))
  }

  close(): void {
    this.closed = true
    this.#takers.shift()?.([])
  }

  /** Whether it is asked for more. */
  get asked(): boolean {
    return this.#takers.length > 0
  }

  /** Says something, and has it heard. */
  async say(...events: ReaderEvent[]): Promise<void> {
    this.#moved.clear()
    this.#takers.shift()!(events)
    await settled()
  }
}
