/**
 * What one connection of a consumer saw or did, in the order in which it happened, all of one topic. Offsets of `acked` and
 * `committed` are those of the next record, as Kafka counts them.
 */
export type Seen = {
  /** By Date.now(). */
  readonly at: number
  readonly client: string
  /** Set apart from all others, also of the same client. */
  readonly connection: string
} & (
  | { readonly kind: 'assigned' | 'acked' | 'committed'; readonly partition: number; readonly offset: number }
  /** Records of consecutive offsets, by their values. */
  | {
      readonly kind: 'records'
      readonly partition: number
      readonly offset: number
      readonly values: number[]
    }
  | { readonly kind: 'revoked'; readonly partition: number }
  | { readonly kind: 'closed' }
)

/** A record as the log has it. */
export interface LogEntry {
  readonly value: number
  /** Epoch ms. */
  readonly timestamp: number
}

/** By partition, and by offset: the topic has no transactions and so no gaps. */
export type PartitionLog = readonly (readonly LogEntry[])[]

/** What there was to say of one connection without when and whose. */
export type Sight = Seen extends infer S
  ? S extends Seen
    ? Omit<S, 'at' | 'client' | 'connection'>
    : never
  : never

export interface RecordJson {
  readonly partition: number
  readonly offset: number
  /** A number, as text: only objects and arrays are shown as JSON. */
  readonly value: string
  /** Epoch ms. */
  readonly timestamp: number
}

/** The runs of consecutive offsets in what a consumer was sent at once. */
export function runsOf(
  records: readonly Omit<RecordJson, 'timestamp'>[],
): (Sight & { readonly kind: 'records' })[] {
  const runs: (Sight & { readonly kind: 'records' })[] = []
  for (const { partition, offset, value } of records) {
    const last = runs.at(-1)
    if (last?.partition === partition && last.offset + last.values.length === offset)
      last.values.push(Number(value))
    else runs.push({ kind: 'records', partition, offset, values: [Number(value)] })
  }
  return runs
}
