import type { Callbacks } from './callbacks.ts'
import { fetchCommitted } from './committed-offsets.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { fatalProblem, GroupError, HandlerError } from './group-error.ts'
import type { TopicWatch } from './topic-watch.ts'
import type { AssignedPartition, GroupLog, GroupMemberHandlers } from './types.ts'
import { Backoff, pause, type Signal, unlessAborted } from './waiting.ts'
import { keyOf, type TopicPartition } from '../topic-partition.ts'

/** A partition from the moment it was given to the member to the moment it was taken: had again, it is another claim. */
export interface Claim extends TopicPartition {
  /** The topic's id when it was given; undefined where it was not known. */
  readonly topicId: string | undefined
  /** Whether the handler has been told, or is being told. */
  announced: boolean
}

export interface HoldingsParts {
  readonly groupId: string
  readonly coordinator: GroupCoordinator
  readonly topics: TopicWatch
  readonly handlers: GroupMemberHandlers
  readonly callbacks: Callbacks
  /** Notified of every change. */
  readonly changed: Signal
  readonly log: GroupLog
  /** The handler did not take what it was assigned, and said so too late for take() to throw it. */
  readonly failed: (error: HandlerError) => void
}

/** The partitions that a member owns, and the telling of its handlers when they come and go. */
export class Holdings {
  readonly #parts: HoldingsParts
  readonly #claims = new Map<string, Claim>()

  constructor(parts: HoldingsParts) {
    this.#parts = parts
  }

  get(partition: TopicPartition): Claim | undefined {
    return this.#claims.get(keyOf(partition))
  }

  all(): Claim[] {
    return [...this.#claims.values()]
  }

  /** What an assignment takes away, and what it adds. */
  compare(assigned: readonly TopicPartition[]): { taken: Claim[]; added: TopicPartition[] } {
    const keys = new Set(assigned.map(keyOf))
    return {
      taken: this.all().filter((claim) => !keys.has(keyOf(claim))),
      added: assigned.filter((partition) => !this.#claims.has(keyOf(partition))),
    }
  }

  /**
   * Gives partitions up in order: they are the member's, to commit, until the handler is done or its time is up.
   * @throws the signal's reason
   */
  async giveUp(taken: readonly Claim[], signal: AbortSignal): Promise<void> {
    const { callbacks, handlers, log } = this.#parts
    const told = callbacks.run('revoked', () => {
      const held = taken.filter((claim) => this.get(claim) === claim)
      return held.length === 0 ? undefined : handlers.revoked(held.map(plain))
    })
    const done = told.catch((error: unknown) => log.warn({ err: error }, 'the revoked callback failed'))
    await unlessAborted(done, signal)
    this.#remove(taken)
  }

  /**
   * Takes newly assigned partitions: looks up where the group resumes them, then tells the handler. Where `hurry` turns
   * true while Kafka does not answer, they are left alone: the member must rejoin, and holds nothing that it reads.
   * @throws GroupError, HandlerError, Problem; the signal's reason
   */
  async take(added: readonly TopicPartition[], signal: AbortSignal, hurry: () => boolean): Promise<void> {
    const { topics, callbacks, handlers, failed } = this.#parts
    const unknown = added.map(({ topic }) => topic).filter((topic) => topics.get(topic) === undefined)
    await unlessAborted(topics.refresh(unknown), signal)
    const claims = added.map((p) => ({ ...p, topicId: topics.get(p.topic)?.id, announced: false }))
    const assigned = await this.#committed(claims, signal, hurry)
    if (assigned === undefined) return
    signal.throwIfAborted()
    for (const claim of claims) this.#claims.set(keyOf(claim), claim)
    this.#parts.changed.notify()
    const announce = () => {
      // Lost before its turn came: then the handler hears of neither.
      if (signal.aborted) return
      const held = claims.filter((claim) => this.get(claim) === claim)
      for (const claim of held) claim.announced = true
      return handlers.assigned(assigned.filter((partition) => held.some((claim) => isSame(claim, partition))))
    }
    // Partitions that are held, but that nobody reads, must not go unnoticed.
    const told = callbacks.run('assigned', announce, (error) => {
      if (claims.some((claim) => this.get(claim) === claim)) failed(new HandlerError(error))
    })
    const done = told.catch((error: unknown) => {
      throw new HandlerError(error)
    })
    await unlessAborted(done, signal)
  }

  async #committed(
    claims: readonly Claim[],
    signal: AbortSignal,
    hurry: () => boolean,
  ): Promise<AssignedPartition[] | undefined> {
    const { coordinator, groupId, log } = this.#parts
    const backoff = new Backoff()
    for (;;) {
      try {
        return await unlessAborted(fetchCommitted(coordinator, groupId, claims), signal)
      } catch (error) {
        signal.throwIfAborted()
        const again =
          error instanceof GroupError ? coordinator.retriable(error.code) : !fatalProblem(error, true)
        if (!again) throw error
        log.debug({ err: error }, 'committed offsets could not be fetched')
      }
      if (hurry()) return undefined
      await pause(backoff.next(), signal)
    }
  }

  /** Partitions are gone without having been given up. */
  lose(claims: readonly Claim[] = this.all()): void {
    const { callbacks, handlers, log } = this.#parts
    const gone = this.#remove(claims).filter((claim) => claim.announced)
    if (gone.length === 0) return
    callbacks
      .run('lost', () => handlers.lost(gone.map(plain)))
      .catch((error: unknown) => log.warn({ err: error }, 'the lost callback failed'))
  }

  /** Partitions of topics that were deleted, and maybe made again under the same name: those are others. */
  vanished(): Claim[] {
    const { topics } = this.#parts
    return this.all().filter(
      ({ topic, topicId }) => topicId !== undefined && topics.get(topic)?.id !== topicId,
    )
  }

  #remove(claims: readonly Claim[]): Claim[] {
    const held = claims.filter((claim) => this.get(claim) === claim)
    for (const claim of held) this.#claims.delete(keyOf(claim))
    this.#parts.changed.notify()
    return held
  }
}

function isSame(a: TopicPartition, b: TopicPartition): boolean {
  return a.topic === b.topic && a.partition === b.partition
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
