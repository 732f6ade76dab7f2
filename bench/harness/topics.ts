import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'

/** How long a new topic may take until each of its partitions answers, ms. */
const READY_MS = 20_000
/** Asks ListOffsets for where the next record goes. */
const END = -1n

/** Makes topics for a run, counts what is in them and removes them, past the gateway. */
export class Topics {
  readonly #admin: Admin
  /** By name: how many partitions. */
  readonly #made = new Map<string, number>()

  constructor(brokers: string) {
    this.#admin = new Admin({ clientId: 'sluice-bench', bootstrapBrokers: brokers.split(',') })
  }

  async make(partitions: number): Promise<string> {
    const topic = `bench-${randomUUID().slice(0, 8)}`
    await this.#admin.createTopics({ topics: [topic], partitions, replicas: 1 })
    this.#made.set(topic, partitions)
    const deadline = performance.now() + READY_MS
    for (;;) {
      try {
        await this.count([topic])
        return topic
      } catch (error) {
        // The controller has made it; the brokers hear of it a moment later.
        if (performance.now() > deadline) throw error
        await sleep(50)
      }
    }
  }

  /** How many records were ever written to topics of ours: each is an offset, since nothing here is transactional. */
  async count(topics: readonly string[]): Promise<number> {
    const listed = await this.#admin.listOffsets({
      topics: topics.map((name) => ({
        name,
        partitions: Array.from({ length: this.#made.get(name) ?? 0 }, (_, partitionIndex) => ({
          partitionIndex,
          timestamp: END,
        })),
      })),
    })
    const offsets = listed.flatMap(({ partitions }) => partitions.map(({ offset }) => Number(offset)))
    return offsets.reduce((sum, offset) => sum + offset, 0)
  }

  async remove(topics: readonly string[]): Promise<void> {
    await this.#admin.deleteTopics({ topics: [...topics] })
    for (const topic of topics) this.#made.delete(topic)
  }

  /** Removes what is left and disconnects. */
  async close(): Promise<void> {
    try {
      if (this.#made.size > 0) await this.remove([...this.#made.keys()])
    } finally {
      await this.#admin.close()
    }
  }
}
