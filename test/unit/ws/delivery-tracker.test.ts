import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeliveryTracker, type PartitionOffset } from '../../../src/ws/delivery-tracker.ts'

const topic = 't'

/** One assignment of a partition, as an observer notes it who knows nothing of how the tracker works. */
interface Assignment {
  readonly start: number
  /** Offsets of the records sent. */
  readonly sent: number[]
  position: number
  /** What of it a pong or an ack has covered: a position. */
  covered: number
  committed: number
}

/** Runs the tracker and notes what it may commit. */
class Observer {
  readonly tracker = new DeliveryTracker()
  readonly assignments = new Map<number, Assignment>()
  /** What each ping under way stands for. */
  readonly pings = new Map<number, { assignment: Assignment; position: number }[]>()

  assign(partition: number, start: number): void {
    this.tracker.assigned(topic, partition, start)
    this.assignments.set(partition, { start, sent: [], position: start, covered: start, committed: start })
  }

  remove(partition: number): void {
    this.tracker.removed(topic, partition)
    this.assignments.delete(partition)
  }

  /** Sends some records, with a gap before and a transaction's marker after them where asked for. */
  deliver(partition: number, records: number, gap: number, markers: number): void {
    const assignment = this.assignments.get(partition)
    const from = (assignment?.position ?? 0) + gap
    const position = from + records + markers
    this.tracker.delivered(topic, partition, records === 0 ? -1 : from + records - 1, position)
    if (assignment === undefined) return
    for (let offset = from; offset < from + records; offset++) assignment.sent.push(offset)
    assignment.position = position
  }

  ping(): void {
    const ticket = this.tracker.ticket()
    if (ticket === undefined) return
    const sent = [...this.assignments.values()].map((assignment) => ({
      assignment,
      position: assignment.position,
    }))
    this.pings.set(ticket, sent)
  }

  pong(ticket: number): void {
    const known = this.pings.has(ticket)
    for (const [number, sent] of this.pings) {
      if (!known || number > ticket) continue
      this.pings.delete(number)
      for (const { assignment, position } of sent) {
        assignment.covered = Math.max(assignment.covered, position)
      }
    }
    this.expectCovered(this.tracker.pong(ticket))
  }

  ack(partition: number, offset: number): void {
    const assignment = this.assignments.get(partition)
    const commit = this.tracker.ack({ topic, partition, offset })
    const last = assignment?.sent.at(-1) ?? -1
    if (assignment === undefined || offset > last) {
      expect(commit).toBe('unknown')
      return
    }
    const next = assignment.sent.find((sent) => sent > offset) ?? assignment.position
    assignment.covered = Math.max(assignment.covered, next)
    if (commit === undefined) expect(offset).toBeLessThan(assignment.committed)
    else this.expectCovered([commit as PartitionOffset])
  }

  expectCovered(commits: readonly PartitionOffset[]): void {
    for (const { partition, offset } of commits) {
      const assignment = this.assignments.get(partition)
      expect(assignment, 'commits only what is assigned').toBeDefined()
      expect(offset, 'never passes what was ponged or acked').toBeLessThanOrEqual(assignment!.covered)
      expect(offset, 'never goes back').toBeGreaterThan(assignment!.committed)
      assignment!.committed = offset
    }
  }
}

type Step = (observer: Observer) => void

const partition = fc.integer({ min: 0, max: 2 })
const few = (max: number) => fc.integer({ min: 0, max })
const assign = fc.tuple(partition, few(20)).map(
  ([p, start]): Step =>
    (o) =>
      o.assign(p, start),
)
const remove = partition.map(
  (p): Step =>
    (o) =>
      o.remove(p),
)
const deliver = fc.tuple(partition, few(4), few(2), few(1)).map(
  ([p, records, gap, markers]): Step =>
    (o) =>
      o.deliver(p, records, gap, markers),
)
const ping = fc.constant<Step>((o) => o.ping())
const pong = fc.oneof({ weight: 9, arbitrary: few(40) }, fc.constantFrom(NaN, Infinity, -1)).map(
  (ticket): Step =>
    (o) =>
      o.pong(ticket),
)
const ack = fc.tuple(partition, few(60)).map(
  ([p, offset]): Step =>
    (o) =>
      o.ack(p, offset),
)

function often(arbitrary: fc.Arbitrary<Step>) {
  return { weight: 4, arbitrary }
}

const withPongs = fc.array(fc.oneof(assign, remove, often(deliver), often(ping), often(pong)), {
  maxLength: 60,
})
const withAcks = fc.array(fc.oneof(assign, remove, often(deliver), often(ack)), { maxLength: 60 })

function run(steps: readonly Step[]): Observer {
  const observer = new Observer()
  for (let p = 0; p < 3; p++) observer.assign(p, 0)
  for (const step of steps) step(observer)
  return observer
}

describe('DeliveryTracker', () => {
  it('with pongs, commits nothing that no pong has covered, whatever comes in whatever order', () => {
    fc.assert(
      fc.property(withPongs, (steps) => void run(steps)),
      { numRuns: 2_000 },
    )
  })

  it('with acks, commits nothing past what was acked, whatever comes in whatever order', () => {
    fc.assert(
      fc.property(withAcks, (steps) => void run(steps)),
      { numRuns: 2_000 },
    )
  })

  it('has committed everything once all pings are answered, and waits for nothing any more', () => {
    fc.assert(
      fc.property(withPongs, (steps) => {
        const observer = run(steps)
        while (observer.tracker.awaits()) {
          const before = observer.pings.size
          observer.ping()
          const newest = Math.max(...observer.pings.keys())
          observer.pong(newest)
          expect(before, 'an answer settles what it covers').toBeGreaterThanOrEqual(observer.pings.size)
        }
        for (const { committed, position } of observer.assignments.values()) expect(committed).toBe(position)
      }),
      { numRuns: 500 },
    )
  })

  it('takes the pong of a later ping for those before it (RFC 6455, section 5.5.3)', () => {
    const observer = new Observer()
    observer.assign(0, 0)
    for (let i = 0; i < 3; i++) {
      observer.deliver(0, 10, 0, 0)
      observer.ping()
    }
    expect(observer.tracker.pong(3)).toEqual([{ topic, partition: 0, offset: 30 }])
    expect(observer.tracker.pong(2)).toEqual([])
  })

  it('commits nothing for a pong that nobody asked for', () => {
    const observer = new Observer()
    observer.assign(0, 0)
    observer.deliver(0, 10, 0, 0)
    observer.ping()
    for (const ticket of [NaN, Infinity, 0, 2, 999]) expect(observer.tracker.pong(ticket)).toEqual([])
    expect(observer.tracker.pong(1)).toHaveLength(1)
  })

  it('ignores the pong of a ping from before the partition was given up and had again', () => {
    const { tracker } = new Observer()
    tracker.assigned(topic, 0, 0)
    tracker.delivered(topic, 0, 9, 10)
    const stale = tracker.ticket()!
    tracker.removed(topic, 0)
    tracker.assigned(topic, 0, 5)
    tracker.delivered(topic, 0, 19, 20)
    expect(tracker.pong(stale)).toEqual([])
    expect(tracker.awaits([{ topic, partition: 0 }])).toBe(true)
  })

  it('ignores it for a partition assigned anew without having been removed: its position was lost', () => {
    const { tracker } = new Observer()
    tracker.assigned(topic, 0, 0)
    tracker.delivered(topic, 0, 9, 10)
    const stale = tracker.ticket()!
    tracker.assigned(topic, 0, 4)
    tracker.delivered(topic, 0, 19, 20)
    expect(tracker.pong(stale)).toEqual([])
  })

  it('keeps few pings under way however much is sent, and stands for the rest with the next', () => {
    const { tracker } = new Observer()
    tracker.assigned(topic, 0, 0)
    let last: number | undefined
    for (let offset = 0; offset < 10_000; offset++) {
      tracker.delivered(topic, 0, offset, offset + 1)
      last = tracker.ticket() ?? last
    }
    expect(last).toBeLessThan(100)
    tracker.pong(last!)
    expect(tracker.pong(tracker.ticket()!)).toEqual([{ topic, partition: 0, offset: 10_000 }])
  })

  it('resumes behind the transaction marker once the last record before it is acked', () => {
    const { tracker } = new Observer()
    tracker.assigned(topic, 0, 0)
    tracker.delivered(topic, 0, 4, 6)
    expect(tracker.ack({ topic, partition: 0, offset: 3 })).toEqual({ topic, partition: 0, offset: 4 })
    expect(tracker.ack({ topic, partition: 0, offset: 4 })).toEqual({ topic, partition: 0, offset: 6 })
  })

  it('takes a second ack of the same offset, or an earlier one, for nothing', () => {
    const { tracker } = new Observer()
    tracker.assigned(topic, 0, 0)
    tracker.delivered(topic, 0, 9, 10)
    expect(tracker.ack({ topic, partition: 0, offset: 9 })).toBeTypeOf('object')
    expect(tracker.ack({ topic, partition: 0, offset: 9 })).toBeUndefined()
    expect(tracker.ack({ topic, partition: 0, offset: 2 })).toBeUndefined()
  })

  it('does not know an offset that was not sent, or a partition that was never, or is no more, assigned', () => {
    const { tracker } = new Observer()
    tracker.assigned(topic, 0, 5)
    expect(tracker.ack({ topic, partition: 0, offset: 5 })).toBe('unknown')
    tracker.delivered(topic, 0, 9, 10)
    expect(tracker.ack({ topic, partition: 0, offset: 10 })).toBe('unknown')
    expect(tracker.ack({ topic, partition: 1, offset: 5 })).toBe('unknown')
    expect(tracker.ack({ topic: 'other', partition: 0, offset: 5 })).toBe('unknown')
    tracker.removed(topic, 0)
    expect(tracker.ack({ topic, partition: 0, offset: 9 })).toBe('unknown')
  })
})
