import type { Identity } from './types.ts'

/** Who the member is in its group, as far as the group has told. */
export class Standing {
  #memberId = ''
  #identity: Identity | undefined
  #settled = false
  #generation = -1

  /** '' before the broker has given one. It outlives a lost session, so that no dead member with the old one is left. */
  get memberId(): string {
    return this.#memberId
  }

  /** What heartbeats are signed with; undefined while the member has no place in the group. */
  get identity(): Identity | undefined {
    return this.#identity
  }

  /** What commits are signed with; undefined while the group is between two generations, where it takes none. */
  get committing(): Identity | undefined {
    return this.#settled ? this.#identity : undefined
  }

  /** The last generation whose assignment was taken; -1 for none. */
  get generation(): number {
    return this.#generation
  }

  named(memberId: string): void {
    this.#memberId = memberId
  }

  /** All have joined; what this generation assigns is not known yet. */
  joined(identity: Identity): void {
    this.#memberId = identity.memberId
    this.#identity = identity
    this.#settled = false
  }

  /** The assignment is known. */
  settled(identity: Identity): void {
    this.#settled = true
    this.#generation = identity.generation
  }

  lost(): void {
    this.#identity = undefined
    this.#settled = false
    this.#generation = -1
  }

  /** The group does not know the id: a new one is needed. */
  unknown(): void {
    this.#memberId = ''
  }
}
