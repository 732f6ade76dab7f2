import type { IncomingMessage } from 'node:http'
import type { Guard } from '../auth/guard.ts'
import type { Policy } from '../auth/policy.ts'
import { anonymous, type Principal } from '../auth/principal.ts'
import { clientAddressOf, networkOf } from '../http/client-address.ts'
import { Allowance } from './allowance.ts'
import { type CallerLimits, isLimited } from './caller-limits.ts'

/** Callers that are remembered; past it those that have used nothing lately are forgotten, which costs them nothing. */
export const MAX_CALLERS = 20_000

interface Entry {
  readonly allowance: Allowance
  /** What its limits were made of. */
  policy: Policy | undefined
  roles: readonly string[]
}

/** What each caller may take: each principal by itself, and who has not shown who it is by its address. */
export class Limiter {
  readonly #guard: Guard
  readonly #general: CallerLimits
  readonly #burstSeconds: number
  readonly #isGeneral: boolean
  readonly #callers = new Map<string, Entry>()

  /** `general` for all of whom the policy says nothing else. */
  constructor(guard: Guard, general: CallerLimits, burstSeconds: number) {
    this.#guard = guard
    this.#general = general
    this.#burstSeconds = burstSeconds
    this.#isGeneral = isLimited(general)
  }

  /** Callers that are remembered. */
  get size(): number {
    return this.#callers.size
  }

  /** Whether anybody has a limit. */
  get isOn(): boolean {
    return this.#isGeneral || this.#guard.policy?.hasLimits === true
  }

  /** The allowance of whoever sends a request; undefined where nobody has a limit. */
  of(principal: Principal | undefined, incoming: IncomingMessage): Allowance | undefined {
    if (!this.isOn) return undefined
    const isKnown = principal !== undefined && principal !== anonymous
    const who = isKnown ? principal.name : `address:${networkOf(clientAddressOf(incoming) ?? '')}`
    const { policy } = this.#guard
    const known = this.#callers.get(who)
    const roles = isKnown ? principal.roles : anonymous.roles
    if (known?.policy === policy && known !== undefined && isSame(known.roles, roles)) return known.allowance
    const limits = { ...this.#general, ...policy?.limitsOf(isKnown ? principal : anonymous) }
    if (known !== undefined) {
      known.allowance.replaceLimits(limits)
      Object.assign(known, { policy, roles })
      return known.allowance
    }
    if (this.#callers.size >= MAX_CALLERS) this.#forget()
    const allowance = new Allowance(who, limits, this.#burstSeconds)
    this.#callers.set(who, { allowance, policy, roles })
    return allowance
  }

  /** Forgets those that would be the same again; where all have used something, the older half that has no stream. */
  #forget(): void {
    const now = performance.now()
    for (const [who, { allowance }] of this.#callers) if (allowance.isFresh(now)) this.#callers.delete(who)
    if (this.#callers.size < MAX_CALLERS / 2) return
    for (const [who, { allowance }] of this.#callers) {
      if (allowance.streams === 0) this.#callers.delete(who)
      if (this.#callers.size < MAX_CALLERS / 2) return
    }
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((role, i) => role === b[i]))
}
