import type { Cluster } from '../cluster.ts'

/** Word that went round so short a time ago is not passed on again, ms: all who heard it have it to tell. */
const ECHO_MS = 5

interface Circle {
  readonly members: Set<Neighbour>
  toldAt: number
}

const circles = new WeakMap<Cluster, Map<string, Circle>>()

/**
 * A member among those that its group has in this process. Kafka tells of a rebalance only in answer to a heartbeat; what
 * one member knows, its neighbours need not wait a heartbeat interval for.
 */
export class Neighbour {
  readonly #circles: Map<string, Circle>
  readonly #groupId: string
  #hear: () => void = () => {}

  constructor(cluster: Cluster, groupId: string) {
    this.#circles = circles.get(cluster) ?? new Map<string, Circle>()
    circles.set(cluster, this.#circles)
    this.#groupId = groupId
  }

  /** @param hear called when a neighbour knows of a rebalance, or is the cause of one */
  moveIn(hear: () => void): void {
    this.#hear = hear
    const circle = this.#circles.get(this.#groupId) ?? { members: new Set(), toldAt: -Infinity }
    this.#circles.set(this.#groupId, circle)
    circle.members.add(this)
  }

  moveOut(): void {
    const circle = this.#circles.get(this.#groupId)
    circle?.members.delete(this)
    if (circle?.members.size === 0) this.#circles.delete(this.#groupId)
  }

  /** Tells the others; one who has moved out may. */
  tell(): void {
    const circle = this.#circles.get(this.#groupId)
    const now = performance.now()
    if (circle === undefined || now - circle.toldAt < ECHO_MS) return
    circle.toldAt = now
    for (const member of circle.members) if (member !== this) member.#hear()
  }
}
