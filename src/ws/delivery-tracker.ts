export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

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

/** What was sent on one socket, what of it the client has, and so what may be committed. No I/O. */
export class DeliveryTracker {
  readonly #partitions = new Map<string, Delivery>()
  /** Positions by ping ticket, oldest first. */
  readonly #tickets = new Map<number, PartitionOffset[]>()
  readonly #unticketed = new Set<Delivery>()
  #lastTicket = 0

  assigned(topic: string, partition: number, offset: number): void {
    this.#partitions.set(keyOf(topic, partition), {
      topic,
      partition,
      lastRecord: -1,
      position: offset,
      acked: offset,
    })
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
    this.#unticketed.add(delivery)
  }

  /** A ping's payload that stands for everything sent since the last one; undefined where that is nothing. */
  ticket(): number | undefined {
    if (this.#unticketed.size === 0) return undefined
    const positions = [...this.#unticketed].map(({ topic, partition, position: offset }) => ({
      topic,
      partition,
      offset,
    }))
    this.#unticketed.clear()
    this.#tickets.set(++this.#lastTicket, positions)
    return this.#lastTicket
  }

  /** Whether some ping that stands for one of these partitions has not come back. */
  awaits(partitions: readonly { topic: string; partition: number }[]): boolean {
    const keys = new Set(partitions.map(({ topic, partition }) => keyOf(topic, partition)))
    for (const positions of this.#tickets.values()) {
      if (positions.some(({ topic, partition }) => keys.has(keyOf(topic, partition)))) return true
    }
    return false
  }

  /** The client's side has received everything up to a ticket: what can be committed for that. */
  pong(ticket: number): PartitionOffset[] {
    const commits = new Map<string, PartitionOffset>()
    for (const [number, positions] of this.#tickets) {
      if (number > ticket) break
      this.#tickets.delete(number)
      for (const position of positions) {
        const key = keyOf(position.topic, position.partition)
        const delivery = this.#partitions.get(key)
        // A partition given up and taken again starts anew: an old ticket says nothing of it.
        if (
          delivery === undefined ||
          position.offset <= delivery.acked ||
          position.offset > delivery.position
        )
          continue
        delivery.acked = position.offset
        commits.set(key, position)
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
