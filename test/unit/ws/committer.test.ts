import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Problem } from '../../../src/problems/problem.ts'
import { Committer } from '../../../src/ws/committer.ts'
import type { PartitionOffset } from '../../../src/ws/delivery-tracker.ts'

const topic = 't'

function at(offset: number, partition = 0): PartitionOffset {
  return { topic, partition, offset }
}

/** A Kafka whose every answer the test gives. */
class Desk {
  readonly requests: { offsets: PartitionOffset[]; confirm(): void; refuse(error: unknown): void }[] = []
  readonly confirmed: PartitionOffset[] = []
  readonly failures: unknown[] = []
  /** Partitions that are not held any more. */
  readonly taken = new Set<number>()
  open = 0
  mostOpen = 0
  readonly committer = new Committer({
    commit: (offsets) => this.#commit(offsets),
    committed: (offsets) => void this.confirmed.push(...offsets),
    failed: (error) => void this.failures.push(error),
    owns: ({ partition }) => !this.taken.has(partition),
  })

  async #commit(offsets: PartitionOffset[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.mostOpen = Math.max(this.mostOpen, ++this.open)
    this.requests.push({ offsets, confirm: resolve, refuse: reject })
    try {
      await promise
    } finally {
      this.open--
    }
  }

  get last() {
    return this.requests.at(-1)!
  }

  async confirm(): Promise<void> {
    this.last.confirm()
    await vi.advanceTimersByTimeAsync(0)
  }

  async refuse(error: unknown): Promise<void> {
    this.last.refuse(error)
    await vi.advanceTimersByTimeAsync(0)
  }
}

const unavailable = () => new Problem('kafka_unavailable')
const stale = () => new Problem('stale_member')

describe('Committer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('has one request under way, and after it sends the newest offset of each partition', async () => {
    const kafka = new Desk()
    for (let offset = 1; offset <= 100; offset++) {
      kafka.committer.add([at(offset), at(offset * 2, 1)])
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(kafka.requests).toHaveLength(1)
    await kafka.confirm()
    await vi.advanceTimersByTimeAsync(25)
    expect(kafka.requests).toHaveLength(2)
    expect(kafka.last.offsets).toEqual([at(100), at(200, 1)])
    await kafka.confirm()
    await vi.runAllTimersAsync()
    expect(kafka.requests).toHaveLength(2)
    expect(kafka.confirmed).toEqual([at(1), at(2, 1), at(100), at(200, 1)])
    expect(kafka.mostOpen).toBe(1)
  })

  it('paces the commits of a busy socket', async () => {
    const kafka = new Desk()
    for (let offset = 1; offset <= 1_000; offset++) {
      kafka.committer.add([at(offset)])
      kafka.last.confirm()
      await vi.advanceTimersByTimeAsync(1)
    }
    expect(kafka.requests.length).toBeLessThanOrEqual(41)
    expect(kafka.requests.length).toBeGreaterThan(30)
  })

  describe('flush', () => {
    it('waits for the request under way and for what came during it', async () => {
      const kafka = new Desk()
      kafka.committer.add([at(1)])
      await vi.advanceTimersByTimeAsync(100)
      kafka.committer.add([at(2)])
      let flushed: boolean | undefined
      void kafka.committer.flush(1_000).then((result) => (flushed = result))
      await kafka.confirm()
      expect(kafka.last.offsets).toEqual([at(2)])
      expect(flushed).toBeUndefined()
      await kafka.confirm()
      expect(flushed).toBe(true)
      expect(kafka.mostOpen).toBe(1)
    })

    it('does not wait for the pause between two commits', async () => {
      const kafka = new Desk()
      kafka.committer.add([at(1)])
      await kafka.confirm()
      kafka.committer.add([at(2)])
      expect(kafka.requests).toHaveLength(1)
      void kafka.committer.flush(1_000)
      expect(kafka.requests).toHaveLength(2)
      await vi.advanceTimersByTimeAsync(500)
      expect(kafka.requests).toHaveLength(2)
    })

    it('does not wait for partitions that were not asked for', async () => {
      const kafka = new Desk()
      kafka.committer.add([at(1, 1)])
      await expect(kafka.committer.flush(1_000, [{ topic, partition: 0 }])).resolves.toBe(true)
    })

    it('answers false when the time is up, and by then has not given up', async () => {
      const kafka = new Desk()
      kafka.committer.add([at(1)])
      const flushed = kafka.committer.flush(300)
      await vi.advanceTimersByTimeAsync(300)
      await expect(flushed).resolves.toBe(false)
      await kafka.confirm()
      expect(kafka.confirmed).toEqual([at(1)])
    })

    it('answers false for what was refused, until a later commit of the partition stands for it', async () => {
      const kafka = new Desk()
      kafka.committer.add([at(1)])
      await kafka.refuse(new Problem('kafka_authorization'))
      await expect(kafka.committer.flush(1_000, [at(0)])).resolves.toBe(false)
      kafka.committer.add([at(2)])
      const flushed = kafka.committer.flush(1_000, [at(0)])
      await vi.advanceTimersByTimeAsync(300)
      await kafka.confirm()
      await expect(flushed).resolves.toBe(true)
    })

    it('tries again what fails for the moment, as long as there is time', async () => {
      const kafka = new Desk()
      kafka.committer.add([at(1)])
      const flushed = kafka.committer.flush(1_000)
      await kafka.refuse(unavailable())
      await vi.advanceTimersByTimeAsync(300)
      expect(kafka.requests).toHaveLength(2)
      await kafka.confirm()
      await expect(flushed).resolves.toBe(true)
    })
  })

  it('tries again what failed for a passing reason, and reports it once', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(7)])
    for (let tries = 1; tries <= 5; tries++) {
      expect(kafka.requests).toHaveLength(tries)
      await kafka.refuse(unavailable())
      await vi.advanceTimersByTimeAsync(250)
    }
    await kafka.confirm()
    expect(kafka.confirmed).toEqual([at(7)])
    expect(kafka.failures).toHaveLength(1)
  })

  it('lets a newer offset speak for one that failed', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(7)])
    kafka.committer.add([at(8)])
    await kafka.refuse(unavailable())
    await vi.advanceTimersByTimeAsync(250)
    expect(kafka.last.offsets).toEqual([at(8)])
  })

  it('does not try again what Kafka refuses', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(7)])
    await kafka.refuse(new Problem('kafka_authorization'))
    await vi.runAllTimersAsync()
    expect(kafka.requests).toHaveLength(1)
    expect(kafka.failures).toMatchObject([{ code: 'kafka_authorization' }])
  })

  it('commits the partitions that are held when one of the request was taken', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(7), at(9, 1)])
    kafka.taken.add(1)
    await kafka.refuse(stale())
    await vi.advanceTimersByTimeAsync(250)
    expect(kafka.last.offsets).toEqual([at(7)])
    await kafka.confirm()
    expect(kafka.confirmed).toEqual([at(7)])
  })

  it('forgets what waits, what is under way and what failed of a partition that is dropped', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(1), at(1, 1)])
    kafka.committer.add([at(2)])
    kafka.committer.drop([{ topic, partition: 0 }])
    await kafka.refuse(unavailable())
    await vi.advanceTimersByTimeAsync(250)
    expect(kafka.last.offsets).toEqual([at(1, 1)])
    await kafka.confirm()
    expect(kafka.confirmed).toEqual([at(1, 1)])
    await expect(kafka.committer.flush(1_000)).resolves.toBe(true)
  })

  it('does nothing any more once stopped, and leaves no timer', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(1)])
    await kafka.confirm()
    kafka.committer.add([at(2)])
    kafka.committer.stop()
    kafka.committer.add([at(3)])
    expect(vi.getTimerCount()).toBe(0)
    await expect(kafka.committer.flush(1_000)).resolves.toBe(true)
    expect(kafka.requests).toHaveLength(1)
  })

  it('leaves no timer when it is stopped while a request fails', async () => {
    const kafka = new Desk()
    kafka.committer.add([at(1)])
    kafka.committer.stop()
    await kafka.refuse(unavailable())
    expect(vi.getTimerCount()).toBe(0)
  })
})
