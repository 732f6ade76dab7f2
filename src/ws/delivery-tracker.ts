export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** One partition from being assigned until it is removed or assigned anew, which is another delivery. */
interface Delivery {
  readonly topic: string
  readonly partition: number
  /** Offset of the last record sent, or -1. */
  lastRecord: number
  /** Where reading goes on after what was sent: past the markers and gaps behind the last record too. */
  position: number
  /** Up to here everything is processed, as far as the client has said. */
  acked: number
}

/** A ping that stands for everything sent before it. */
type Ticket = readonly { readonly delivery: Delivery; readonly position: number }[]

/** Pings under way at most. What is sent meanwhile goes with the next: a client that answers none costs no memory. */
const MAX_TICKETS = 32

/** What was sent on one socket, what of it the client has, and so what may be committed. No I/O. */
export class DeliveryTracker {
  readonly #partitions = new Map<string, Delivery>()
  /** By number, oldest first. */
  readonly #tickets = new Map<number, Ticket>()
  readonly #unticketed = new Set<Delivery>()
  #lastTicket = 0

  assigned(topic: string, partition: number, offset: number): void {
    this.removed(topic, partition)
    const delivery = { topic, partition, lastRecord: -1, position: offset, acked: offset }
    this.#partitions.set(keyOf(topic, partition), delivery)
  }

  removed(topic: string, partition: number): void {
    const delivery = this.#partitions.get(keyOf(topic, partition))
    if (delivery === undefined) return
    this.#partitions.delete(keyOf(topic, partition))
    this.#unticketed.delete(delivery)
  }

  /** Takes note that a partition has been sent up to `position`, the last record at `lastRecord` (-1 for none). */
  delivered(topic: string, partition: number, lastRecord: number, position: number): void {
    const delivery = this.#partitions.get(keyOf(topic, partition))
    if (delivery === undefined) return
    if (lastRecord >= 0) delivery.lastRecord = lastRecord
    delivery.position = position
    if (position > delivery.acked) this.#unticketed.add(delivery)
  }

  /** A ping's number that stands for everything sent since the last one; undefined where none is to be sent now. */
  ticket(): number | undefined {
    if (this.#unticketed.size === 0 || this.#tickets.size >= MAX_TICKETS) return undefined
    const ticket = [...this.#unticketed].map((delivery) => ({ delivery, position: delivery.position }))
    this.#unticketed.clear()
    this.#tickets.set(++this.#lastTicket, ticket)
    return this.#lastTicket
  }

  /** Whether something that was sent of these partitions, or of any, has not been acked. */
  awaits(partitions?: readonly { topic: string; partition: number }[]): boolean {
    const deliveries = partitions?.map(({ topic, partition }) =>
      this.#partitions.get(keyOf(topic, partition)),
    ) ?? [...this.#partitions.values()]
    return deliveries.some((delivery) => delivery !== undefined && delivery.acked < delivery.position)
  }

  /**
   * The client's side has received everything up to a ticket: what can be committed for that. A number that is not under
   * way says nothing: a client may send pongs that nobody asked for (RFC 6455, section 5.5.3).
   */
  pong(ticket: number): PartitionOffset[] {
    if (!this.#tickets.has(ticket)) return []
    const commits = new Map<Delivery, PartitionOffset>()
    for (const [number, sent] of this.#tickets) {
      if (number > ticket) break
      this.#tickets.delete(number)
      for (const { delivery, position } of sent) {
        const { topic, partition } = delivery
        // A partition given up and taken again starts anew: an old ticket says nothing of it.
        if (this.#partitions.get(keyOf(topic, partition)) !== delivery || position <= delivery.acked) continue
        delivery.acked = position
        commits.set(delivery, { topic, partition, offset: position })
      }
    }
    return [...commits.values()]
  }

  /**
   * The client has processed everything up to and with `offset`: what can be committed for that; undefined where it was
   * acked before, `'unknown'` where it was never delivered here.
   */
  ack({ topic, partition, offset }: PartitionOffset): PartitionOffset | 'unknown' | undefined {
    const delivery = this.#partitions.get(keyOf(topic, partition))
    if (delivery === undefined || offset > delivery.lastRecord) return 'unknown'
    // After the last record the group resumes behind the transaction markers too: it shows no lag that isn't there.
    const next = offset === delivery.lastRecord ? delivery.position : offset + 1
    if (next <= delivery.acked) return undefined
    delivery.acked = next
    return { topic, partition, offset: next }
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}:${partition}`
}
