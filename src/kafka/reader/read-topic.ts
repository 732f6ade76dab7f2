import { Problem } from '../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../errors.ts'
import type { FetchAnswer, FetchedPartition, FetchRequest, Isolation } from '../wire/fetch.ts'
import type { FetchedRecord } from '../../records/fetched-record.ts'
import { planFetches } from './fetch-plan.ts'
import { findBounds } from './offset-finder.ts'
import { fill, isDry, newSource, offsetOf, type Source } from './source.ts'
import { mergeByTime } from './time-merge.ts'
import { tryFetch } from './try-fetch.ts'

export interface TopicReadRequest {
  readonly topic: TopicInfo
  /** Where to start, by partition: these are read, and no others. */
  readonly offsets: ReadonlyMap<number, number>
  /** The most records to take. */
  readonly limit: number
  readonly isolation: Isolation
  /** Milliseconds to wait for a first record where there is none. */
  readonly waitMs: number
  /** Which records to take; all, where left out. What it leaves out is passed. */
  readonly filter?: ((record: FetchedRecord) => boolean) | undefined
  /** Takes a record; or answers false, and neither it nor any after it is taken. */
  readonly take: (partition: number, record: FetchedRecord) => boolean
  /** Asked now and then: true ends the wait as if its time were over. */
  readonly ended: () => boolean
  /** Nobody wants the result any more. */
  readonly signal: AbortSignal
}

export interface TopicReadResult {
  /** Where to go on, by partition. */
  readonly offsets: Map<number, number>
  /** Whether every partition has been read to its end. */
  readonly caughtUp: boolean
}

/** How long Kafka may fail before the read does, where nothing was read yet, ms. */
const TROUBLE_MS = 5_000
const RETRY_PAUSE_MS = 100
/** How long a read that takes only some records looks through those that there are, ms; the next one goes on. */
const SCAN_MS = 2_000
/** The longest single wait at a broker, ms: a read that ends early leaves its connection waiting no longer than that. */
const MAX_SLICE_MS = 500
/** Past this many fetched bytes records are taken though some partitions have not shown their first one yet. */
const MAX_WAITING_BYTES = 16_777_216
/** Pause after an answer that came at once and moved nothing. */
const IDLE_PAUSE_MS = 50

/**
 * Reads what there is from given positions, or waits for the first record. No state outlives it.
 * @throws Problem position_lost with `bounds`; topic_not_found where the topic is gone or another by now;
 * kafka_unavailable, kafka_authorization, internal_error; the signal's reason
 */
export async function readTopic(cluster: Cluster, request: TopicReadRequest): Promise<TopicReadResult> {
  return new TopicRead(cluster, request).run()
}

class TopicRead {
  readonly #cluster: Cluster
  readonly #request: TopicReadRequest
  readonly #sources: Map<number, Source>
  readonly #aborted: Promise<never>
  #topic: TopicInfo
  readonly #scan = new Deadline(SCAN_MS)
  #trouble = new Deadline(TROUBLE_MS)
  #taken = 0
  #full = false

  constructor(cluster: Cluster, request: TopicReadRequest) {
    this.#cluster = cluster
    this.#request = request
    this.#topic = request.topic
    // From a different partition each time, for when there are too many to hold a record of each: none is left out for ever.
    const turn = Math.floor(Math.random() * request.offsets.size)
    const offsets = [...request.offsets]
    this.#sources = new Map(
      [...offsets.slice(turn), ...offsets.slice(0, turn)].map((entry) => [entry[0], newSource(entry)]),
    )
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.#aborted = promise
    const { signal } = request
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  }

  async run(): Promise<TopicReadResult> {
    this.#request.signal.throwIfAborted()
    const deadline = new Deadline(this.#request.waitMs)
    await this.#readWhatIsThere()
    if (this.#taken === 0 && !this.#full && !this.#hasScanned) await this.#wait(deadline)
    const sources = [...this.#sources.values()].sort((a, b) => a.partition - b.partition)
    return {
      offsets: new Map(sources.map((s) => [s.partition, offsetOf(s)])),
      caughtUp: sources.every((s) => offsetOf(s) >= s.end),
    }
  }

  /** Whether it has looked long enough for records that it wants. */
  get #hasScanned(): boolean {
    return this.#request.filter !== undefined && (this.#scan.passed || this.#request.ended())
  }

  /** How many more records are to be looked at: there is no telling how many of them are wanted. */
  get #wanted(): number {
    const { limit, filter } = this.#request
    return filter === undefined ? limit - this.#taken : Infinity
  }

  async #readWhatIsThere(): Promise<void> {
    while (!this.#full) {
      if (this.#hasScanned) return this.#merge()
      const dry = [...this.#sources.values()].filter(isDry)
      if (dry.length > 0) {
        const before = this.#progress()
        const fetches = [...this.#plan(dry, 0)].map(([leader, request]) =>
          tryFetch(this.#cluster, leader, request),
        )
        // A broker that hangs says nothing for as long as its connection may wait.
        const answers = this.#trouble.within(Promise.all(fetches)).catch((problem: Problem) => [problem])
        const failure = await this.#handle(await Promise.race([answers, this.#aborted]))
        if (failure !== undefined) {
          this.#merge()
          if (this.#taken > 0) return
          await this.#recover(failure)
          continue
        }
        const moved = this.#progress() > before
        if (moved && dry.some(isDry) && this.#memory() < MAX_WAITING_BYTES) continue
        if (!moved && this.#memory() === 0) return
      } else if (this.#memory() === 0) return
      this.#merge()
    }
  }

  /** Waits at every leader for the first record at any of them. */
  async #wait(deadline: Deadline): Promise<void> {
    const pending = new Map<number, Promise<FetchAnswer | Problem>>()
    while (!deadline.passed && !this.#request.ended()) {
      const before = this.#progress()
      const startedAt = performance.now()
      const slice = Math.ceil(Math.min(deadline.left, MAX_SLICE_MS))
      for (const [leader, request] of this.#plan([...this.#sources.values()], slice)) {
        if (pending.has(leader)) continue
        const fetching = tryFetch(this.#cluster, leader, request).finally(() => pending.delete(leader))
        pending.set(leader, fetching)
      }
      const late = deadline.pause(MAX_SLICE_MS * 2)
      const answer = await Promise.race([...pending.values(), late, this.#aborted])
      if (answer === undefined) continue
      const failure = await this.#handle([answer])
      this.#merge()
      if (this.#taken > 0 || this.#full) return
      if (failure !== undefined) {
        await this.#recover(failure)
        continue
      }
      this.#trouble = new Deadline(TROUBLE_MS)
      if (this.#progress() === before && performance.now() - startedAt < IDLE_PAUSE_MS) {
        await Promise.race([deadline.pause(IDLE_PAUSE_MS), this.#aborted])
      }
    }
  }

  /** Grows whenever a position moves. */
  #progress(): number {
    let sum = 0
    for (const { position } of this.#sources.values()) sum += position
    return sum
  }

  #memory(): number {
    let sum = 0
    for (const { records, next, memory } of this.#sources.values()) if (next < records.length) sum += memory
    return sum
  }

  #plan(sources: readonly Source[], maxWaitMs: number): Map<number, FetchRequest> {
    const { isolation } = this.#request
    return planFetches({
      topic: this.#topic,
      partitions: sources,
      isolation,
      maxWaitMs,
      records: this.#wanted,
    })
  }

  #merge(): void {
    mergeByTime(this.#sources.values(), (partition, record) => {
      this.#full ||= this.#taken === this.#request.limit || !this.#request.take(partition, record)
      if (!this.#full) this.#taken++
      return !this.#full
    })
    this.#full ||= this.#taken === this.#request.limit
  }

  /**
   * Takes the records of some answers in, and gives back the problem of one that failed in a way that trying again may
   * mend.
   * @throws Problem for the others
   */
  async #handle(answers: readonly (FetchAnswer | Problem)[]): Promise<Problem | undefined> {
    let failure: Problem | undefined
    const lost: number[] = []
    for (const answer of answers) {
      if (answer instanceof Problem) {
        failure = answer
        continue
      }
      for (const fetched of answer.partitions) {
        if (fetched.errorCode === KafkaCode.OFFSET_OUT_OF_RANGE) lost.push(fetched.partition)
        else if (fetched.errorCode !== KafkaCode.NONE) failure = problemFromKafkaCode(fetched.errorCode)
        else this.#fill(fetched)
      }
    }
    if (lost.length > 0) throw await this.#positionLost(lost)
    return failure
  }

  /** @throws Problem internal_error for bytes that can't be read, where no record before them can be given */
  #fill(fetched: FetchedPartition): void {
    const source = this.#sources.get(fetched.partition)!
    const { isolation, filter } = this.#request
    const fault = fill(source, fetched, isolation, this.#wanted)
    if (filter !== undefined) source.records = source.records.filter(filter)
    if (fault === undefined || source.records.length > 0 || this.#taken > 0) return
    throw new Problem('internal_error', {
      detail: `Partition ${source.partition} cannot be read at offset ${source.position}: ${fault}.`,
    })
  }

  /** Waits a moment and finds the leaders again. @throws Problem where there is no time left or no point */
  async #recover(failure: Problem): Promise<void> {
    const mayMend = failure.code === 'kafka_unavailable' || failure.code === 'topic_not_found'
    if (!mayMend || this.#trouble.passed) throw failure
    await Promise.race([this.#trouble.pause(RETRY_PAUSE_MS), this.#aborted])
    const info = await Promise.race([
      this.#trouble.within(this.#cluster.refreshTopic(this.#topic.name)),
      this.#aborted,
    ])
    if (info === undefined || info.id !== this.#topic.id) throw new Problem('topic_not_found')
    this.#topic = info
  }

  async #positionLost(partitions: readonly number[]): Promise<Problem> {
    const deadline = new Deadline(TROUBLE_MS)
    const { isolation } = this.#request
    const bounds = await findBounds(this.#cluster, this.#topic, partitions, isolation, deadline)
    const [first] = partitions
    return new Problem('position_lost', {
      detail: `Partition ${first} has no offset ${offsetOf(this.#sources.get(first!)!)}.`,
      extra: { bounds: Object.fromEntries(bounds) },
    })
  }
}
