import { createHash } from 'node:crypto'
import type { Problem } from '../problems/problem.ts'
import type { Guard } from './guard.ts'
import { group, type Operation, type Resource, topic } from './policy.ts'
import { anonymous, type Principal } from './principal.ts'

/** Whoever is served, and what that one may do. */
export class Caller {
  readonly #guard: Guard
  readonly principal: Principal

  constructor(guard: Guard, principal: Principal) {
    this.#guard = guard
    this.principal = principal
  }

  /** Whether it has shown who it is. */
  get isKnown(): boolean {
    return this.principal !== anonymous
  }

  /** @throws Problem unauthenticated, forbidden */
  require(operation: Operation, resource: Resource): void {
    this.#guard.require(this.principal, operation, resource)
  }

  /** @throws as require(), for the first topic that may not be had */
  requireTopics(operation: Operation, names: Iterable<string>): void {
    if (this.#guard.enabled) for (const name of new Set(names)) this.require(operation, topic(name))
  }

  requireGroup(operation: Operation, name: string): void {
    this.require(operation, group(name))
  }

  allows(operation: Operation, resource: Resource): boolean {
    return this.#guard.allows(this.principal, operation, resource)
  }

  /** Whether it may see that there is such a topic. */
  sees(name: string): boolean {
    return this.allows('describe', topic(name))
  }

  /** The same of a group. */
  seesGroup(name: string): boolean {
    return this.allows('describe', group(name))
  }

  /** What only this caller is to be able to use is signed for it; text that no other caller has. */
  get owner(): string {
    return this.#guard.enabled ? this.principal.name : ''
  }

  /** A name that the caller chose, as one that no other caller can choose too: 43 of A-Z a-z 0-9 _ -. */
  ownName(name: string): string {
    if (!this.#guard.enabled) return name
    return createHash('sha256').update(`${this.owner}\n${name}`).digest('base64url')
  }

  /**
   * A signal that is aborted as the given one is, and with the Problem where `still` throws or the credentials count no
   * more; the given one itself where nobody has to show who they are.
   */
  watchedSignal(still: () => void, given: AbortSignal): { readonly signal: AbortSignal; unwatch(): void } {
    if (!this.#guard.enabled) return { signal: given, unwatch: () => {} }
    const refused = new AbortController()
    const unwatch = this.watch(still, (problem) => refused.abort(problem))
    return { signal: AbortSignal.any([given, refused.signal]), unwatch }
  }

  /** As Guard.watch(). */
  watch(still: () => void, end: (problem: Problem) => void): () => void {
    return this.#guard.watch(this.principal, still, end)
  }
}
