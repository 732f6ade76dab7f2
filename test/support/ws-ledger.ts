import { expect } from 'vitest'
import { withAdmin } from './kafka.ts'
import { type ClientOptions, connect, type Frame, type WsClient } from './ws.ts'

interface Holding {
  /** The next offset that must come. */
  next: number
  /** What the gateway has confirmed as committed. */
  receipt: number | undefined
}

/** What one member's client holds, by what it was told. */
interface Member {
  readonly name: string
  readonly held: Map<string, Holding>
}

/**
 * Watches every client of one group as its frames arrive, and notes whatever breaks at-least-once delivery. For topics
 * whose offsets have no gaps.
 */
export class GroupLedger {
  /** Whatever must not be, in words. */
  readonly breaches: string[] = []
  /** What has reached any client, by partition. */
  readonly #delivered = new Map<string, Set<number>>()
  /** Where the group started each partition. */
  readonly #starts = new Map<string, number>()
  readonly #members = new Set<Member>()
  /** Records that came more than once. */
  repeats = 0
  assignments = 0

  /** Connects a member whose every frame is looked at. */
  join(
    gateway: { readonly url: string },
    name: string,
    query: Readonly<Record<string, string>>,
    options: ClientOptions = {},
  ): WsClient {
    const member: Member = { name, held: new Map() }
    this.#members.add(member)
    const observe = (frame: Frame) => {
      this.#take(member, frame)
      options.observe?.(frame)
    }
    return connect(gateway, query, { ...options, observe })
  }

  #take(member: Member, frame: Frame): void {
    if (frame.type === 'assigned') for (const position of frame.partitions) this.#assigned(member, position)
    else if (frame.type === 'records') for (const record of frame.records) this.#record(member, record)
    else if (frame.type === 'committed')
      for (const position of frame.offsets) this.#committed(member, position)
    else if (frame.type === 'revoked') {
      for (const { topic, partition } of frame.partitions) {
        const key = `${topic}:${partition}`
        if (!member.held.delete(key)) this.#breach(member, `${key} revoked, which it did not have`)
      }
    }
  }

  #assigned(
    member: Member,
    { topic, partition, offset }: { topic: string; partition: number; offset: number },
  ): void {
    const key = `${topic}:${partition}`
    this.assignments++
    if (member.held.has(key)) this.#breach(member, `${key} assigned twice`)
    member.held.set(key, { next: offset, receipt: undefined })
    const start = this.#starts.get(key)
    if (start === undefined) this.#starts.set(key, offset)
    else {
      // Nothing is passed over: what lies before has reached a client.
      for (let o = start; o < offset; o++) {
        if (!this.#delivered.get(key)?.has(o))
          return this.#breach(member, `${key} resumes at ${offset}, ${o} was never delivered`)
      }
    }
  }

  #record(
    member: Member,
    { topic, partition, offset }: { topic: string; partition: number; offset: number },
  ): void {
    const key = `${topic}:${partition}`
    const holding = member.held.get(key)
    if (holding === undefined) return this.#breach(member, `${key}:${offset} came, which was not assigned`)
    if (holding.next !== offset) this.#breach(member, `${key}:${offset} came where ${holding.next} was next`)
    holding.next = offset + 1
    let delivered = this.#delivered.get(key)
    if (delivered === undefined) this.#delivered.set(key, (delivered = new Set()))
    if (delivered.has(offset)) this.repeats++
    delivered.add(offset)
  }

  #committed(
    member: Member,
    { topic, partition, offset }: { topic: string; partition: number; offset: number },
  ): void {
    const key = `${topic}:${partition}`
    const holding = member.held.get(key)
    if (holding === undefined) return this.#breach(member, `${key} committed after it was given up`)
    if (offset > holding.next)
      this.#breach(member, `${key} committed at ${offset}, received up to ${holding.next}`)
    if (offset <= (holding.receipt ?? -1)) this.#breach(member, `${key} committed at ${offset} again`)
    holding.receipt = offset
  }

  #breach(member: Member, what: string): void {
    this.breaches.push(`${member.name}: ${what}`)
  }

  /** How many different records have reached a client. */
  get delivered(): number {
    return [...this.#delivered.values()].reduce((sum, offsets) => sum + offsets.size, 0)
  }

  /**
   * Waits until every record there is in a topic has reached a client, each member's in order and none passed over.
   * How many there are the witness says: a producer that tries again may have written more than it knows.
   */
  async expectAll(topic: string, timeout = 10_000): Promise<void> {
    const ends = await withAdmin((admin) => admin.fetchTopicOffsets(topic))
    const count = ends.reduce((sum, { high }) => sum + Number(high), 0)
    await expect.poll(() => this.delivered, { timeout, interval: 20 }).toBe(count)
    expect(this.breaches).toEqual([])
  }
}

/** The partitions that a client has by what it was told, in order. */
export function owned(client: WsClient): number[] {
  const partitions = new Set<number>()
  for (const frame of client.frames) {
    if (frame.type === 'assigned') for (const { partition } of frame.partitions) partitions.add(partition)
    if (frame.type === 'revoked') for (const { partition } of frame.partitions) partitions.delete(partition)
  }
  return [...partitions].sort((a, b) => a - b)
}

/** Waits until the clients have so many partitions each, all different. */
export async function shared(clients: readonly WsClient[], each: number): Promise<void> {
  const shares = () => [
    ...clients.map((client) => owned(client).length),
    new Set(clients.flatMap(owned)).size,
  ]
  await expect
    .poll(shares, { interval: 10, timeout: 10_000 })
    .toEqual([...clients.map(() => each), each * clients.length])
}
