import type { FetchedRecord } from '../../src/fetched-record.ts'
import type { PartitionPosition, ReaderEvent } from '../../src/kafka/record-reader.ts'
import type { EventReader } from '../../src/streams/event-reader.ts'

type Unassigned<E> = E extends unknown ? Omit<E, 'assignment'> : never
/** What a reader says, but for the assignment that it says it of. */
export type Said = Unassigned<ReaderEvent>

const topic = 't'

export function at(partition: number, offset = 0): PartitionPosition {
  return { topic, topicId: 'id', partition, offset }
}

export function records(partition: number, from: number, count: number, end: number, size = 1): Said {
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

export function progress(partition: number, nextOffset: number, end: number): Said {
  return { kind: 'progress', topic, partition, nextOffset, end }
}

/** Lets everything go on that waits for nothing but its turn. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A reader that says what the test tells it to. */
export class SaidReader implements EventReader {
  /** What it reads: the number of its assignment, and from where. */
  readonly reads = new Map<number, { assignment: number; offset: number }>()
  readonly trouble = undefined
  readonly #takers: ((events: ReaderEvent[]) => void)[] = []
  #assignments = 0
  closed = false

  assign(positions: readonly PartitionPosition[]): void {
    for (const { partition, offset } of positions)
      this.reads.set(partition, { assignment: ++this.#assignments, offset })
  }

  unassign(partitions: readonly { partition: number }[]): void {
    for (const { partition } of partitions) this.reads.delete(partition)
  }

  isCurrent({ partition, assignment }: ReaderEvent): boolean {
    return this.reads.get(partition)?.assignment === assignment
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

  /** Says something of what it reads now, and has it heard. */
  async say(...events: Said[]): Promise<void> {
    const said = events.map((event) => {
      return { ...event, assignment: this.reads.get(event.partition)!.assignment } as ReaderEvent
    })
    this.#takers.shift()!(said)
    await settled()
  }
}
