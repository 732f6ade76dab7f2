import type { Problem } from '../problems/problem.ts'
import type { Cluster } from './cluster.ts'
import type { PartitionPosition, ReaderEvent } from './reader/events.ts'
import { Feed, type Follower } from './reader/feed.ts'
import { RecordReader, type RecordReaderOptions } from './record-reader.ts'
import { keyOf, type TopicPartition } from './topic-partition.ts'

export { isShared } from './reader/feed.ts'

interface Following {
  readonly feed: Feed
  readonly follower: Follower
}

/** The feeds of a cluster that can be joined, by what they read. */
const feedsOf = new WeakMap<Cluster, Map<string, Feed>>()

/**
 * A RecordReader that shares its work with others. It reads alone until it has been at the end of all its partitions;
 * then it follows the feed of those who read the same partitions at the same isolation level, so that a record is fetched
 * once for all of them. Whoever lags too far behind the others reads alone again until it has caught up.
 *
 *     assign() ──► alone ── has been at every end ──► follows a feed (its own reader, where it is the first)
 *                    ▲                                  │
 *                    └── left behind, other partitions ─┘
 */
export class SharedReader {
  readonly #cluster: Cluster
  readonly #options: RecordReaderOptions
  readonly #feeds: Map<string, Feed>
  /** What is read, and where next() goes on with it. */
  readonly #partitions = new Map<string, PartitionPosition>()
  readonly #positions = new Map<string, number>()
  /** Partitions that have not been read to an end yet. */
  readonly #behind = new Set<string>()
  readonly #ends = new Map<string, number>()
  #alone: RecordReader | undefined
  #following: Following | undefined
  /** Partitions that were assigned or unassigned since next() last gave something. */
  readonly #moved = new Set<string>()
  /** To be told before anything else. */
  #news: ReaderEvent[] = []
  #closed = false

  constructor(cluster: Cluster, options: RecordReaderOptions) {
    this.#cluster = cluster
    this.#options = options
    const feeds = feedsOf.get(cluster) ?? new Map<string, Feed>()
    feedsOf.set(cluster, feeds)
    this.#feeds = feeds
  }

  /** As RecordReader.trouble. */
  get trouble(): Problem | undefined {
    return this.#alone?.trouble ?? this.#following?.feed.trouble
  }

  /** As RecordReader.assign. */
  assign(positions: readonly PartitionPosition[]): void {
    if (this.#closed || positions.length === 0) return
    this.#drop(positions)
    for (const position of positions) {
      const key = keyOf(position)
      this.#moved.add(key)
      this.#partitions.set(key, position)
      this.#positions.set(key, position.offset)
      this.#behind.add(key)
    }
    if (this.#alone !== undefined) return this.#alone.assign(positions)
    this.#stopFollowing()
    // Whoever starts where a feed is needs no fetch of its own to find the end.
    if (!this.#joinAtOnce()) this.#readAlone()
  }

  /** As RecordReader.unassign. */
  unassign(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#moved.add(keyOf(partition))
    const held = partitions.filter((partition) => this.#positions.has(keyOf(partition)))
    if (held.length === 0) return
    this.#drop(held)
    if (this.#alone !== undefined) return this.#alone.unassign(held)
    this.#stopFollowing()
    this.#readAlone()
  }

  /** As RecordReader.isCurrent. */
  isCurrent(partition: TopicPartition): boolean {
    return !this.#moved.has(keyOf(partition))
  }

  /** As RecordReader.next; the events are others' too, and nobody changes them. */
  async next(signal?: AbortSignal): Promise<readonly ReaderEvent[]> {
    while (!this.#closed) {
      signal?.throwIfAborted()
      if (this.#news.length > 0) {
        this.#moved.clear()
        return this.#news.splice(0)
      }
      if (this.#alone !== undefined && this.#behind.size === 0 && this.#positions.size > 0)
        this.#share(this.#alone)
      const following = this.#following
      const alone = following === undefined ? (this.#alone ?? this.#readAlone()) : undefined
      let events = await (alone?.next(signal) ?? this.#nextOfFeed(following!, signal))
      // What was taken just before something else was to be read will be read again from where it was.
      if (this.#following !== following || this.#alone !== alone) continue
      if (events.some((event) => alone?.isCurrent(event) === false))
        events = events.filter((event) => alone!.isCurrent(event))
      for (const event of events) this.#note(event)
      if (events.length === 0) continue
      this.#moved.clear()
      return events
    }
    return []
  }

  /** As RecordReader.close. */
  close(): void {
    this.#closed = true
    this.#stopFollowing()
    this.#alone?.close()
  }

  /** Hands what it reads alone over to whoever reads the same, or leads from now on. */
  #share(alone: RecordReader): void {
    const name = this.#feedName()
    const known = this.#feeds.get(name)
    if (known !== undefined) {
      if (this.#follow(known)) alone.close()
      return
    }
    const feed: Feed = new Feed(alone, this.#positions, this.#ends, () => {
      if (this.#feeds.get(name) === feed) this.#feeds.delete(name)
    })
    this.#feeds.set(name, feed)
    this.#follow(feed)
  }

  /** Follows a feed from the start, where there is one that has what is missing; it knows where the partitions end. */
  #joinAtOnce(): boolean {
    const feed = this.#feeds.get(this.#feedName())
    if (feed === undefined || !this.#follow(feed)) return false
    for (const [key, nextOffset] of this.#positions) {
      const { topic, partition } = this.#partitions.get(key)!
      const end = Math.max(feed.endOf(key), nextOffset)
      this.#news.push({ kind: 'progress', topic, partition, nextOffset, end })
    }
    return true
  }

  #follow(feed: Feed): boolean {
    const follower = feed.join(this.#positions)
    if (follower === undefined) return false
    this.#following = { feed, follower }
    this.#alone = undefined
    return true
  }

  #stopFollowing(): void {
    const following = this.#following
    this.#following = undefined
    following?.feed.leave(following.follower)
  }

  #readAlone(): RecordReader {
    const reader = new RecordReader(this.#cluster, this.#options)
    this.#alone = reader
    for (const key of this.#positions.keys()) this.#behind.add(key)
    reader.assign([...this.#positions].map(([key, offset]) => ({ ...this.#partitions.get(key)!, offset })))
    return reader
  }

  async #nextOfFeed(following: Following, signal?: AbortSignal): Promise<readonly ReaderEvent[]> {
    const { feed, follower } = following
    while (this.#following === following) {
      if (follower.isLeftBehind) {
        this.#stopFollowing()
        this.#readAlone()
        break
      }
      const turn = feed.take(follower)
      if (turn === undefined) await feed.more(follower, signal)
      else if (follower.ahead.size === 0) return turn
      else {
        const rest = turn.flatMap((event) => this.#restOf(event, follower.ahead))
        if (rest.length > 0) return rest
      }
    }
    return []
  }

  /** What of a feed's event the reader doesn't have already. */
  #restOf(event: ReaderEvent, ahead: Set<string>): ReaderEvent[] {
    const key = keyOf(event)
    const position = this.#positions.get(key)
    if (position === undefined || !ahead.has(key)) return [event]
    if (event.kind !== 'records' && event.kind !== 'progress') return [event]
    if (event.nextOffset >= position) ahead.delete(key)
    if (event.nextOffset <= position) return []
    if (event.kind === 'progress') return [event]
    const records = event.records.filter(({ offset }) => offset >= position)
    if (records.length > 0) return [{ ...event, records }]
    const { topic, partition, nextOffset, end } = event
    return [{ kind: 'progress', topic, partition, nextOffset, end }]
  }

  #note(event: ReaderEvent): void {
    if (event.kind !== 'records' && event.kind !== 'progress') return this.#drop([event])
    const key = keyOf(event)
    this.#positions.set(key, event.nextOffset)
    this.#ends.set(key, event.end)
    if (event.nextOffset >= event.end) this.#behind.delete(key)
  }

  /** Not read any more, unless assigned again. */
  #drop(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      const key = keyOf(partition)
      this.#partitions.delete(key)
      this.#positions.delete(key)
      this.#behind.delete(key)
      this.#ends.delete(key)
    }
    this.#news = this.#news.filter((event) => this.#positions.has(keyOf(event)))
  }

  #feedName(): string {
    const names = [...this.#partitions.values()].map(({ topicId, partition }) => `${topicId}/${partition}`)
    return `${this.#options.isolation} ${names.sort().join(' ')}`
  }
}
