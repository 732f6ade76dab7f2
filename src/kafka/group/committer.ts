import { Problem } from '../../problems/problem.ts'
import { KafkaCode, problemFromKafkaCode } from '../errors.ts'
import { offsetCommit } from '../wire/group-apis.ts'
import { commitTopics } from './committed-offsets.ts'
import type { GroupCoordinator } from './coordinator.ts'
import type { Claim } from './holdings.ts'
import type { Identity, PartitionOffset } from './types.ts'
import { Backoff, pause, type Signal } from './waiting.ts'
import { keyOf, type TopicPartition } from '../topic-partition.ts'

/** Milliseconds within which a commit is confirmed or given up. */
const TIMEOUT_MS = 10_000
/** How long the coordinator may not know a topic that was assigned: it may only just have been made, ms. */
const UNKNOWN_TOPIC_MS = 1_000

/** What the committer needs of the member. */
export interface CommitView {
  claim(partition: TopicPartition): Claim | undefined
  /** What to sign with; undefined while the group is between two generations. */
  identity(): Identity | undefined
  /** Told of every change of the two. */
  readonly changed: Signal
  /** The group refused this identity. True where the member was about to get another one anyhow. */
  refused(identity: Identity, code: number): boolean
}

interface Waiter {
  open: number
  readonly since: number
  readonly resolve: () => void
  readonly reject: (problem: Problem) => void
}

interface Entry extends PartitionOffset {
  /** The claim for which it was asked: a partition given up and had again takes no commit from before. */
  readonly claim: Claim
  readonly waiters: Waiter[]
}

/**
 * Commits offsets, one request at a time, so that a repeated one can never undo a newer; of several for one partition
 * that wait meanwhile only the last is sent. A commit made while the group changes generations is sent in the next one,
 * as long as the member has had the partition without a break: then nobody else can have committed in between.
 */
export class Committer {
  readonly #coordinator: GroupCoordinator
  readonly #groupId: string
  readonly #view: CommitView
  readonly #backoff = new Backoff()
  readonly #pending = new Map<string, Entry>()
  readonly #closing = new AbortController()
  #running: Promise<void> | undefined

  constructor(coordinator: GroupCoordinator, groupId: string, view: CommitView) {
    this.#coordinator = coordinator
    this.#groupId = groupId
    this.#view = view
  }

  /**
   * @throws Problem stale_member where a partition is not the member's, or is taken before Kafka confirms; invalid_offset,
   * topic_not_found, kafka_authorization; kafka_unavailable where it was not confirmed in time and may or may not be done
   */
  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    // All are looked at before any is queued: a refused call commits nothing.
    const entries = offsets.map(({ topic, partition, offset }) => {
      if (!Number.isSafeInteger(offset) || offset < 0) throw new Problem('invalid_offset')
      const claim = this.#view.claim({ topic, partition })
      if (this.#closing.signal.aborted || claim === undefined) throw new Problem('stale_member')
      return { topic, partition, offset, claim }
    })
    if (entries.length === 0) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { open: entries.length, since: performance.now(), resolve, reject }
    for (const entry of entries) {
      const waiting = this.#pending.get(keyOf(entry))
      const earlier = waiting?.claim === entry.claim ? waiting.waiters : []
      this.#pending.set(keyOf(entry), { ...entry, waiters: [...earlier, waiter] })
    }
    const timer = setTimeout(() => this.#giveUp(waiter), TIMEOUT_MS)
    this.#running ??= this.#run()
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
  }

  /** Settles when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  /** Refuses what waits and what comes. */
  close(): void {
    this.#closing.abort()
    this.#dropStale()
    this.#view.changed.notify()
  }

  #giveUp(waiter: Waiter): void {
    waiter.open = 0
    waiter.reject(new Problem('kafka_unavailable', { detail: 'The commit was not confirmed in time.' }))
    for (const [key, entry] of this.#pending) {
      const waiters = entry.waiters.filter((w) => w !== waiter)
      if (waiters.length === 0) this.#pending.delete(key)
      else this.#pending.set(key, { ...entry, waiters })
    }
    this.#view.changed.notify()
  }

  async #run(): Promise<void> {
    // What is asked for in one turn of the event loop travels together.
    await Promise.resolve()
    for (;;) {
      this.#dropStale()
      if (this.#pending.size === 0) break
      const identity = this.#view.identity()
      if (identity === undefined) {
        await this.#view.changed.wait()
        continue
      }
      const batch = [...this.#pending.values()]
      this.#pending.clear()
      if (await this.#send(batch, identity)) this.#backoff.reset()
      else await pause(this.#backoff.next(), this.#closing.signal)
    }
    // In the same turn as the look at what is pending: a commit made right after starts a run of its own.
    this.#running = undefined
  }

  #dropStale(): void {
    for (const [key, entry] of this.#pending) {
      if (!this.#closing.signal.aborted && this.#view.claim(entry) === entry.claim) continue
      this.#pending.delete(key)
      fail(entry, new Problem('stale_member'))
    }
  }

  /** Sends one request. False where it is to be sent again after a wait. */
  async #send(batch: readonly Entry[], identity: Identity): Promise<boolean> {
    const { memberId, instanceId, generation } = identity
    const codes = new Map<string, number>()
    try {
      const answer = await this.#coordinator.call(
        offsetCommit,
        this.#groupId,
        generation,
        memberId,
        instanceId,
        commitTopics(batch),
      )
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          codes.set(keyOf({ topic: name, partition: partitionIndex }), errorCode)
        }
      }
    } catch {
      for (const entry of batch) this.#again(entry)
      return false
    }
    const generationChanged = this.#changesGeneration([...codes.values()], identity)
    let done = true
    for (const entry of batch) {
      const code = codes.get(keyOf(entry)) ?? KafkaCode.COORDINATOR_NOT_AVAILABLE
      if (code === KafkaCode.NONE) succeed(entry)
      else if (identityCodes.has(code)) this.#again(entry)
      else if (this.#coordinator.retriable(code) || isUnknownYet(entry, code)) {
        this.#again(entry)
        done = false
      } else fail(entry, problemFromKafkaCode(code))
    }
    if (generationChanged !== undefined) await generationChanged
    return done
  }

  /**
   * Where the answer says that the generation is not, or no more, the group's: hears the member about it, and what to
   * wait for before trying again.
   */
  #changesGeneration(codes: readonly number[], identity: Identity): Promise<void> | undefined {
    const code = codes.find((c) => identityCodes.has(c))
    if (code === undefined) return undefined
    const changed = this.#view.changed.wait()
    if (this.#view.identity() !== identity) return undefined
    // In doubt it is tried again soon: the answer may be older than what the member knows.
    if (code === KafkaCode.REBALANCE_IN_PROGRESS || this.#view.refused(identity, code)) {
      return Promise.race([changed, pause(this.#backoff.next(), this.#closing.signal)])
    }
    return undefined
  }

  /** Queues an entry again, unless a newer offset of its partition waits by now, which then speaks for both. */
  #again(entry: Entry): void {
    const waiters = entry.waiters.filter((waiter) => waiter.open > 0)
    if (waiters.length === 0) return
    const newer = this.#pending.get(keyOf(entry))
    if (newer === undefined) this.#pending.set(keyOf(entry), { ...entry, waiters })
    else if (newer.claim === entry.claim) newer.waiters.push(...waiters)
    else fail(entry, new Problem('stale_member'))
  }
}

/** Answers about who commits, not about what: the generation changes, or the group has gone on without the member. */
const identityCodes: ReadonlySet<number> = new Set([
  KafkaCode.REBALANCE_IN_PROGRESS,
  KafkaCode.ILLEGAL_GENERATION,
  KafkaCode.UNKNOWN_MEMBER_ID,
  KafkaCode.FENCED_INSTANCE_ID,
])

function isUnknownYet(entry: Entry, code: number): boolean {
  const since = Math.max(...entry.waiters.map((waiter) => waiter.since))
  return code === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION && performance.now() - since < UNKNOWN_TOPIC_MS
}

function succeed(entry: Entry): void {
  for (const waiter of entry.waiters) if (--waiter.open === 0) waiter.resolve()
}

function fail(entry: Entry, problem: Problem): void {
  for (const waiter of entry.waiters) {
    waiter.open = 0
    waiter.reject(problem)
  }
}
