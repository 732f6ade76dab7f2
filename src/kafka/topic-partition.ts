/** A partition by the name of its topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** What a partition goes by in a map. */
export function keyOf({ topic, partition }: TopicPartition): string {
  // A topic name has no colon.
  return `${topic}:${partition}`
}
