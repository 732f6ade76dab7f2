import type { Cluster, TopicInfo } from './cluster.ts'

/** Milliseconds between two looks at all topics. */
const INTERVAL_MS = 2_000
/** The same after Kafka could not be asked. */
const RETRY_MS = 1_000
/** A topic is gone when it was missing twice, this long apart, ms: a broker that has just started may not know it yet. */
const GONE_AFTER_MS = 1_000

const lists = new WeakMap<Cluster, TopicList>()

/**
 * All topics of a cluster, for everyone in this process who reads by pattern, with one request at a time. It looks only
 * while somebody watches.
 */
export class TopicList {
  readonly #cluster: Cluster
  readonly #watchers = new Set<(topics: readonly TopicInfo[]) => void>()
  readonly #known = new Map<string, TopicInfo>()
  readonly #missedAt = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The one list that all of a cluster share. */
  static of(cluster: Cluster): TopicList {
    const list = lists.get(cluster) ?? new TopicList(cluster)
    lists.set(cluster, list)
    return list
  }

  /**
   * Asks Kafka now.
   * @throws Problem, as Cluster.allTopics
   */
  async look(): Promise<readonly TopicInfo[]> {
    const found = new Map((await this.#cluster.allTopics()).map((topic) => [topic.name, topic]))
    const now = performance.now()
    for (const name of this.#known.keys()) {
      if (found.has(name)) continue
      const since = this.#missedAt.get(name) ?? now
      this.#missedAt.set(name, since)
      if (now - since >= GONE_AFTER_MS) this.#known.delete(name)
    }
    for (const [name, topic] of found) this.#known.set(name, topic)
    for (const name of this.#missedAt.keys()) {
      if (found.has(name) || !this.#known.has(name)) this.#missedAt.delete(name)
    }
    return [...this.#known.values()]
  }

  /** Calls back with all topics after every look, until the function that comes back is called. */
  watch(seen: (topics: readonly TopicInfo[]) => void): () => void {
    this.#watchers.add(seen)
    this.#timer ??= setTimeout(() => void this.#run(), INTERVAL_MS).unref()
    return () => {
      this.#watchers.delete(seen)
      if (this.#watchers.size > 0) return
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#known.clear()
      this.#missedAt.clear()
    }
  }

  async #run(): Promise<void> {
    const timer = this.#timer
    let wait = INTERVAL_MS
    try {
      const topics = await this.look()
      if (this.#timer === timer) for (const seen of [...this.#watchers]) seen(topics)
    } catch {
      // Whoever needs Kafka now finds out by itself; here it is only asked again.
      wait = RETRY_MS
    }
    // Not where all watchers went away meanwhile, even if others came: those started their own.
    if (this.#timer === timer) this.#timer = setTimeout(() => void this.#run(), wait).unref()
  }
}
