/** What the gateway says of a topic: the members that commands make use of. */
export interface TopicDocument {
  readonly name: string
  readonly id: string
  readonly internal: boolean
  readonly partitions: readonly PartitionDocument[]
  readonly replicationFactor: number
  readonly configs: readonly ConfigDocument[] | null
}

export interface PartitionDocument {
  readonly partition: number
  readonly leader: number | null
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly earliestOffset: number | null
  readonly latestOffset: number | null
  readonly sizeBytes?: number | null
}

export interface ConfigDocument {
  readonly name: string
  readonly value: string | null
  readonly source: string
  readonly default: boolean
  readonly readOnly?: boolean
  readonly sensitive?: boolean
}

export interface TopicSummary {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly underReplicated?: number
  readonly internal: boolean
}

/** How many records a topic holds, about: compaction and transactions leave gaps between offsets. */
export function recordCount({ partitions }: TopicDocument): number {
  return partitions.reduce(
    (sum, { earliestOffset, latestOffset }) =>
      earliestOffset === null || latestOffset === null ? sum : sum + latestOffset - earliestOffset,
    0,
  )
}
