import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReaderEvent } from '../../../src/kafka/record-reader.ts'
import { CreditWindow, InFlightWindow, type Window } from '../../../src/ws/window.ts'
import { WindowedReader } from '../../../src/ws/windowed-reader.ts'
import { at, progress, records, SaidReader, settled } from '../../support/said-reader.ts'

const topic = 't'

/** A client that is sent whatever the reader gives out, as soon as it does. */
class Stage {
  readonly said = new SaidReader()
  readonly reader: WindowedReader
  /** `partition:offset`, or `partition>nextOffset` of an event without records. */
  readonly sent: string[] = []
  readonly batches: (readonly ReaderEvent[])[] = []
  readonly running: Promise<void>

  readonly window: Window

  constructor(window: Window, partitions: number[], measure = 1) {
    this.window = window
    this.reader = new WindowedReader(this.said, window, () => measure)
    this.reader.assign(partitions.map((partition) => at(partition)))
    this.running = this.#run()
  }

  async #run(): Promise<void> {
    for (;;) {
      const events = await this.reader.next()
      if (events.length === 0) return
      this.batches.push(events)
      for (const event of events) {
        if (!this.reader.isCurrent(event) || !('nextOffset' in event)) continue
        const { partition, nextOffset } = event
        if (event.kind === 'records')
          for (const { offset } of event.records) this.sent.push(`${partition}:${offset}`)
        else this.sent.push(`${partition}>${nextOffset}`)
        this.reader.moveTo({ topic, partition }, nextOffset)
      }
    }
  }

  async receive(partition: number, offset: number): Promise<void> {
    this.window.received([{ topic, partition, offset }])
    await settled()
  }

  async credit(count: number, bytes?: number): Promise<void> {
    this.window.credit(count, bytes)
    await settled()
  }
}

describe('a reader with a window', () => {
  it('stops in the midst of what was read and goes on from there, record by record', async () => {
    const stage = new Stage(new InFlightWindow(2), [0])
    await stage.said.say(records(0, 0, 5, 5), progress(0, 6, 6))
    expect(stage.sent).toEqual(['0:0', '0:1'])
    expect(stage.said.asked, 'nothing more is read ahead').toBe(false)
    await stage.receive(0, 1)
    expect(stage.sent.slice(2)).toEqual(['0:2'])
    await stage.receive(0, 3)
    expect(stage.sent.slice(3)).toEqual(['0:3', '0:4', '0>6'])
    expect(stage.said.asked).toBe(true)
  })

  it('says of each part where reading goes on, and of the last what the whole said', async () => {
    const stage = new Stage(new CreditWindow(), [0])
    await stage.said.say({ ...records(0, 0, 3, 9), nextOffset: 7 } as never)
    await stage.credit(2)
    await stage.credit(1)
    expect(stage.batches.flat()).toMatchObject([
      { records: [{ offset: 0 }, { offset: 1 }], nextOffset: 2, end: 9 },
      { records: [{ offset: 2 }], nextOffset: 7, end: 9 },
    ])
  })

  it('gives out what is credited, of whatever partitions', async () => {
    const stage = new Stage(new CreditWindow(), [0, 1])
    await stage.said.say(records(0, 0, 3, 3), records(1, 0, 3, 3))
    expect(stage.sent).toEqual([])
    await stage.credit(4)
    expect(stage.sent).toEqual(['0:0', '0:1', '0:2', '1:0'])
    await stage.credit(100)
    expect(stage.sent.slice(4)).toEqual(['1:1', '1:2'])
  })

  it('counts bytes: the last record may go beyond', async () => {
    const stage = new Stage(new InFlightWindow(100, 25), [0], 10)
    await stage.said.say(records(0, 0, 9, 9))
    expect(stage.sent).toEqual(['0:0', '0:1', '0:2'])
    await stage.receive(0, 1)
    expect(stage.sent).toHaveLength(4)
    const credited = new Stage(new CreditWindow(), [0], 10)
    await credited.said.say(records(0, 0, 9, 9))
    await credited.credit(100, 1)
    await credited.credit(0, 11)
    expect(credited.sent).toEqual(['0:0', '0:1', '0:2'])
  })

  it('has no partition wait behind one that was paused or given up', async () => {
    const stage = new Stage(new CreditWindow(), [0, 1])
    await stage.said.say(records(0, 0, 5, 5), records(1, 0, 5, 5))
    await stage.credit(2)
    stage.said.unassign([at(0)])
    await stage.credit(2)
    expect(stage.sent).toEqual(['0:0', '0:1', '1:0', '1:1'])
  })

  it('counts nothing that was given out and not sent', async () => {
    const said = new SaidReader()
    const window = new CreditWindow()
    window.credit(4, undefined)
    const reader = new WindowedReader(said, window, () => 1)
    reader.assign([at(0)])
    const dropped = reader.next()
    await said.say(records(0, 0, 2, 9))
    expect(await dropped).toHaveLength(1)
    // As where it is paused and resumed before it was sent.
    said.assign([at(0)])
    const next = reader.next()
    await said.say(records(0, 0, 2, 9))
    await next
    reader.moveTo(at(0), 2)
    expect(window.room.records).toBe(2)
  })

  it('gives back what a partition had that begins anew or is gone', async () => {
    const stage = new Stage(new InFlightWindow(3), [0, 1])
    await stage.said.say(records(0, 0, 5, 5), records(1, 0, 5, 5))
    stage.reader.assign([at(0, 9)])
    await settled()
    expect(stage.sent).toEqual(['0:0', '0:1', '0:2', '1:0', '1:1', '1:2'])
    stage.reader.unassign([at(1)])
    await settled()
    await stage.said.say(records(0, 9, 5, 14))
    expect(stage.sent.slice(6)).toEqual(['0:9', '0:10', '0:11'])
  })

  it('can be interrupted while it waits for room, and loses nothing by it', async () => {
    const said = new SaidReader()
    const window = new CreditWindow()
    const reader = new WindowedReader(said, window, () => 1)
    reader.assign([at(0)])
    const abort = new AbortController()
    const next = reader.next(abort.signal)
    await said.say(records(0, 0, 2, 2))
    abort.abort(new Error('interrupted'))
    await expect(next).rejects.toThrow('interrupted')
    window.credit(2, undefined)
    expect(await reader.next()).toMatchObject([{ records: [{ offset: 0 }, { offset: 1 }] }])
  })

  it('ends when it is closed while it waits for room', async () => {
    const stage = new Stage(new CreditWindow(), [0])
    await stage.said.say(records(0, 0, 2, 2))
    stage.reader.close()
    await stage.running
    expect(stage.sent).toEqual([])
  })

  it('never has more on the way than it may, and leaves nothing out, however things go', async () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('say' as const),
        partition: fc.nat(1),
        count: fc.integer({ min: 1, max: 9 }),
      }),
      fc.record({
        kind: fc.constant('receive' as const),
        partition: fc.nat(1),
        count: fc.integer({ min: 1, max: 9 }),
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 1, max: 6 }),
        async (steps, size) => {
          const stage = new Stage(new InFlightWindow(size), [0, 1])
          const said = [0, 0]
          const received = [0, 0]
          const sentOf = (partition: number) =>
            stage.sent.filter((place) => place.startsWith(`${partition}:`))
          for (const { kind, partition, count } of steps) {
            if (kind === 'receive') {
              received[partition] = Math.min(received[partition]! + count, sentOf(partition).length)
              await stage.receive(partition, received[partition])
            } else if (stage.said.asked) {
              await stage.said.say(records(partition, said[partition]!, count, 1_000))
              said[partition]! += count
            }
            const onTheWay = stage.sent.length - received[0]! - received[1]!
            expect(onTheWay).toBeLessThanOrEqual(size)
            if (said[0]! + said[1]! > stage.sent.length) expect(onTheWay, 'no room is wasted').toBe(size)
            for (const n of [0, 1]) expect(sentOf(n)).toEqual(sentOf(n).map((_, offset) => `${n}:${offset}`))
          }
          stage.reader.close()
        },
      ),
      { numRuns: 50 },
    )
  })
})
