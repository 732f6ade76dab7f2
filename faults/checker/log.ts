/** A record as the log has it, once all is over. */
export interface LogRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly id: string
  readonly digest: string
}

/**
 * The committed records of all topics. Markers and aborted records leave gaps between offsets, so what comes next is counted
 * by rank: the n-th record of its partition.
 */
export class Log {
  readonly #partitions = new Map<string, LogRecord[]>()
  readonly #places = new Map<string, LogRecord[]>()

  constructor(records: readonly LogRecord[]) {
    for (const record of records) {
      add(this.#partitions, partitionOf(record), record)
      add(this.#places, record.id, record)
    }
    for (const own of this.#partitions.values()) own.sort((a, b) => a.offset - b.offset)
  }

  get partitions(): ReadonlyMap<string, readonly LogRecord[]> {
    return this.#partitions
  }

  get ids(): Iterable<string> {
    return this.#places.keys()
  }

  /** Where a record of this id is. */
  places(id: string): readonly LogRecord[] {
    return this.#places.get(id) ?? []
  }

  /** How many records of a partition are before an offset. */
  rank(partition: string, offset: number): number {
    const records = this.#partitions.get(partition) ?? []
    let [low, high] = [0, records.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (records[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  at(partition: string, offset: number): LogRecord | undefined {
    const record = this.#partitions.get(partition)?.[this.rank(partition, offset)]
    return record?.offset === offset ? record : undefined
  }
}

export function partitionOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`
}

function add<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name)
  if (list === undefined) lists.set(name, [item])
  else list.push(item)
}
