import { randomUUID } from 'node:crypto'
import type { Caller } from '../auth/caller.ts'
import type { GroupMember } from '../kafka/group/member.ts'
import { within } from '../kafka/group/waiting.ts'
import { type AwayHandlers, AwayMember } from './away-member.ts'
import type { ResumeToken, ResumeTokens } from './resume-token.ts'
import { invalidSubscription, type SubscriptionOptions } from './subscription-options.ts'

/** How long whoever comes back waits for the one before to commit what was acked, ms. */
const GIVE_WAY_MS = 2_500

/** A member's place in its group, which outlives its socket. */
export interface Place extends ResumeToken {
  /** For the client: with it any socket comes back to the place. */
  readonly token: string
  /** Whether somebody comes back to it. */
  readonly comesBack: boolean
}

export interface PlaceLimits {
  /** Most members whose sockets dropped. */
  readonly maxAway: number
  /** Milliseconds, at most, that one of them is kept. */
  readonly maxGraceMs: number
}

/** Whether a subscription is to have a place that outlives its socket. */
export function wantsPlace({ group, graceMs = 0, resume }: SubscriptionOptions): boolean {
  return resume !== undefined || (group !== undefined && graceMs > 0)
}

/** Who has a place at this gateway. */
interface Holder {
  /** Commits what was acked, and ends without leaving the group. */
  giveWay(): Promise<void>
}

/**
 * The places that members have at this gateway: those of open sockets, and those of sockets that dropped a moment ago.
 * Kafka sees to it that one alone has a place (KIP-345); what is known here only makes it quick, and bounds it.
 */
export class Places {
  readonly #tokens: ResumeTokens
  readonly #limits: PlaceLimits
  readonly #holders = new Map<string, Holder>()
  readonly #away = new Set<AwayMember>()
  #closed = false

  constructor(tokens: ResumeTokens, limits: PlaceLimits) {
    this.#tokens = tokens
    this.#limits = limits
  }

  /**
   * The place that a subscription wants: a new one, or the one that its token names.
   * @throws Problem invalid_resume_token; invalid_subscription where it contradicts the token; as SecretStore.get()
   */
  async find(options: SubscriptionOptions, caller: Caller): Promise<Place> {
    const { group = '', topics, graceMs, resume } = options
    if (resume !== undefined) {
      const token = await this.#tokens.open(resume, caller.owner)
      mustAgree(options, token)
      // What was allowed when the token was signed may be more than is now.
      const place = { ...token, graceMs: graceMs ?? Math.min(token.graceMs, this.#limits.maxGraceMs) }
      return { ...place, comesBack: true, token: await this.#tokens.sign(place, caller.owner) }
    }
    const place = { group, topics, graceMs: graceMs ?? 0, instanceId: `sluice-${randomUUID()}` }
    return { ...place, comesBack: false, token: await this.#tokens.sign(place, caller.owner) }
  }

  /** Takes a place. Whoever had it at this gateway gives way first, but is not waited for long. */
  async take({ instanceId }: Place, holder: Holder): Promise<void> {
    const before = this.#holders.get(instanceId)
    this.#holders.set(instanceId, holder)
    if (before !== undefined) await within(before.giveWay(), GIVE_WAY_MS)
  }

  /** The holder has left the group, or another has its place. */
  release({ instanceId }: Place, holder: Holder): void {
    if (this.#holders.get(instanceId) === holder) this.#holders.delete(instanceId)
  }

  /**
   * Keeps the place of a member whose socket dropped until `until`, on the clock of performance.now(), or until `watch`
   * calls back. Where another has it by now, or too many are kept, the member's part is over. `over` is called when it is.
   */
  async keep(
    place: Place,
    holder: Holder,
    member: GroupMember,
    until: number,
    { watch, over }: Omit<AwayHandlers, 'ended'>,
  ): Promise<void> {
    if (this.#closed || this.#holders.get(place.instanceId) !== holder) return member.abandon().finally(over)
    const isMember = member.state !== 'new' && member.state !== 'failed'
    if (!isMember || this.#away.size >= this.#limits.maxAway || performance.now() >= until) {
      this.release(place, holder)
      return member.leave().finally(over)
    }
    const away = new AwayMember(member, until, {
      ended: () => {
        this.#away.delete(away)
        this.release(place, away)
      },
      watch,
      over,
    })
    this.#away.add(away)
    this.#holders.set(place.instanceId, away)
  }

  /** Those that are away: Kafka keeps their places until their sessions expire. Nobody is kept from now on. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#away].map((member) => member.giveWay()))
  }
}

/** @throws Problem invalid_subscription */
function mustAgree({ group, topics }: SubscriptionOptions, token: ResumeToken): void {
  const reason = 'not what the resume token says; it can be left out'
  const own = [...topics].sort().join()
  const errors = [
    ...(topics.length > 0 && own !== [...token.topics].sort().join()
      ? [{ parameter: 'topics', reason }]
      : []),
    ...(group !== undefined && group !== token.group ? [{ parameter: 'group', reason }] : []),
  ]
  if (errors.length > 0) throw invalidSubscription(errors)
}
