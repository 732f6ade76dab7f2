import type { Cluster } from '../cluster.ts'
import { KafkaCode } from '../errors.ts'
import { metadata } from '../wire/apis.ts'
import { Backoff } from './waiting.ts'

export interface WatchedTopic {
  /** Tells a topic from a later one of the same name (KIP-516). */
  readonly id: string
  readonly partitions: number
}

/** Milliseconds between two looks at the topics. */
const INTERVAL_MS = 2_000
/** A topic is gone when it was missing twice, this long apart, ms: a broker that has just started may not know it yet. */
const GONE_AFTER_MS = 1_000

const watches = new WeakMap<Cluster, TopicWatch>()

/**
 * Watches the topics of every group member of this process with one request at a time: new partitions, topics that
 * appear, vanish or are made again. It runs only while somebody watches.
 */
export class TopicWatch {
  readonly #cluster: Cluster
  readonly #watchers = new Map<symbol, { topics: ReadonlySet<string>; changed: () => void }>()
  readonly #known = new Map<string, WatchedTopic>()
  readonly #missedAt = new Map<string, number>()
  readonly #denied = new Set<string>()
  readonly #backoff = new Backoff()
  #timer: NodeJS.Timeout | undefined

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** The one watch that all members of a cluster share. */
  static of(cluster: Cluster): TopicWatch {
    const watch = watches.get(cluster) ?? new TopicWatch(cluster)
    watches.set(cluster, watch)
    return watch
  }

  /** Watches topics for one watcher, in place of those before. `changed` is called whenever anything watched has changed. */
  watch(watcher: symbol, topics: ReadonlySet<string>, changed: () => void): void {
    this.#watchers.set(watcher, { topics, changed })
    this.#timer ??= setTimeout(() => void this.#look(), INTERVAL_MS)
  }

  unwatch(watcher: symbol): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.size > 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#known.clear()
    this.#missedAt.clear()
    this.#denied.clear()
  }

  /** What is known of a topic; undefined where there is none. */
  get(topic: string): WatchedTopic | undefined {
    return this.#known.get(topic)
  }

  /** Whether Kafka does not let the gateway see the topic. */
  denied(topic: string): boolean {
    return this.#denied.has(topic)
  }

  /**
   * Asks Kafka now.
   * @throws the client's connection errors, Problem
   */
  async refresh(topics: Iterable<string>): Promise<void> {
    const names = [...new Set(topics)]
    if (names.length === 0) return
    const answer = await this.#cluster.callAny((connection) => connection.call(metadata, names, false, false))
    const now = performance.now()
    let changed = false
    for (const topic of answer.topics) if (this.#learn(topic, now)) changed = true
    if (changed) for (const watcher of [...this.#watchers.values()]) watcher.changed()
  }

  #learn(
    topic: { errorCode: number; name: string | null; topicId: string; partitions: unknown[] },
    now: number,
  ): boolean {
    const { name, errorCode } = topic
    if (name === null) return false
    if (errorCode === KafkaCode.TOPIC_AUTHORIZATION_FAILED) {
      const news = !this.#denied.has(name)
      this.#denied.add(name)
      return news
    }
    this.#denied.delete(name)
    if (errorCode === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) return this.#miss(name, now)
    if (errorCode !== KafkaCode.NONE || topic.partitions.length === 0) return false
    this.#missedAt.delete(name)
    const before = this.#known.get(name)
    // A topic never has fewer partitions than before: such an answer is an old one.
    if (before?.id === topic.topicId && before.partitions >= topic.partitions.length) return false
    this.#known.set(name, { id: topic.topicId, partitions: topic.partitions.length })
    return true
  }

  #miss(name: string, now: number): boolean {
    if (!this.#known.has(name)) return false
    const since = this.#missedAt.get(name)
    if (since === undefined) this.#missedAt.set(name, now)
    if (since === undefined || now - since < GONE_AFTER_MS) return false
    this.#missedAt.delete(name)
    return this.#known.delete(name)
  }

  async #look(): Promise<void> {
    const timer = this.#timer
    let wait = INTERVAL_MS
    try {
      await this.refresh([...this.#watchers.values()].flatMap(({ topics }) => [...topics]))
      this.#backoff.reset()
    } catch {
      // Whoever needs Kafka now finds out by itself; here it is only asked again.
      wait = this.#backoff.next()
    }
    // Not where all watchers went away meanwhile, even if others came: those started their own.
    if (this.#timer === timer) this.#timer = setTimeout(() => void this.#look(), wait)
  }
}
