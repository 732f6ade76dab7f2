import type { TopicWatch, WatchedTopic } from './topic-watch.ts'

/** What one member wants to know of topics: of its own, and while it leads, of all that the group reads. */
export class GroupTopics {
  readonly #watch: TopicWatch
  #own: readonly string[]
  readonly #changed: () => void
  readonly #watcher = Symbol('group member')
  /** The group's topics as they were when this member, as the leader, last assigned. */
  #assignedFrom: Map<string, WatchedTopic | undefined> | undefined

  /** @param changed called whenever a watched topic has changed */
  constructor(watch: TopicWatch, own: readonly string[], changed: () => void) {
    this.#watch = watch
    this.#own = own
    this.#changed = changed
  }

  /** The member's own topics. */
  get own(): readonly string[] {
    return this.#own
  }

  /** Has others for its own from now on. */
  subscribe(own: readonly string[]): void {
    this.#own = own
    this.#watch.watch(this.#watcher, new Set([...(this.#assignedFrom?.keys() ?? []), ...own]), this.#changed)
  }

  /** Watches the member's own topics; it does not lead. */
  follow(): void {
    this.#watch.watch(this.#watcher, new Set(this.#own), this.#changed)
  }

  /**
   * Asks Kafka now how many partitions the group's topics have, and watches them from now on.
   * @throws the client's connection errors, Problem
   */
  async lead(topics: ReadonlySet<string>): Promise<Map<string, number>> {
    this.#watch.watch(this.#watcher, new Set([...topics, ...this.#own]), this.#changed)
    await this.#watch.refresh(topics).catch((error: unknown) => {
      // The whole group waits for this: what is not quite new serves, and the watch corrects it.
      if ([...topics].some((topic) => this.#watch.get(topic) === undefined)) throw error
    })
    this.#assignedFrom = new Map([...topics].map((topic) => [topic, this.#watch.get(topic)]))
    return new Map([...this.#assignedFrom].map(([topic, found]) => [topic, found?.partitions ?? 0]))
  }

  /** The last assignment is history: changes since then are of no interest. */
  forgetAssignment(): void {
    this.#assignedFrom = undefined
  }

  /** Whether the topics are others, or have other partitions, than this member last assigned as the leader. */
  get changedSinceAssigned(): boolean {
    return [...(this.#assignedFrom ?? [])].some(([topic, seen]) => {
      const now = this.#watch.get(topic)
      return now?.id !== seen?.id || now?.partitions !== seen?.partitions
    })
  }

  /** A topic of the member's own that Kafka does not let the gateway see. */
  get denied(): string | undefined {
    return this.#own.find((topic) => this.#watch.denied(topic))
  }

  /**
   * Asks Kafka now about the member's own topics.
   * @throws as lead()
   */
  async refresh(): Promise<void> {
    await this.#watch.refresh(this.#own)
  }

  stop(): void {
    this.#watch.unwatch(this.#watcher)
  }
}
