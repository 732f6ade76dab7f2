import { describe, expect, it } from 'vitest'
import { PausableReader } from '../../../src/ws/pausable-reader.ts'
import { at, records, SaidReader } from '../../support/said-reader.ts'

const topic = 't'

function begin(...partitions: number[]) {
  const said = new SaidReader()
  const reader = new PausableReader(said)
  reader.assign(partitions.map((partition) => at(partition)))
  return { said, reader, reads: () => [...said.reads.keys()].toSorted() }
}

describe('a paused partition', () => {
  it('is not read, and what was taken of it is not current; resumed, it goes on behind what was sent', async () => {
    const { said, reader, reads } = begin(0, 1)
    const next = reader.next()
    await said.say(records(0, 0, 3, 100), records(1, 0, 3, 100))
    const events = await next
    expect(reader.pause([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0 }])
    expect(reads()).toEqual([1])
    expect(events.map((event) => reader.isCurrent(event))).toEqual([false, true])
    reader.moveTo({ topic, partition: 1 }, 3)
    expect(reader.resume([{ topic, partition: 0 }])).toEqual([{ topic, partition: 0 }])
    expect(said.reads.get(0), 'nothing of it was sent').toBe(0)
    expect(
      events.map((event) => reader.isCurrent(event)),
      'it comes again',
    ).toEqual([false, true])
    reader.pause()
    reader.resume()
    expect(said.reads.get(1)).toBe(3)
  })

  it('that is paused or resumed twice is as if it were once', async () => {
    const { said, reader, reads } = begin(0)
    const next = reader.next()
    await said.say(records(0, 0, 1, 9))
    await next
    reader.resume([at(0)])
    expect(reader.isCurrent(at(0)), 'read on without a break').toBe(true)
    expect(reader.pause([at(0), at(0)])).toHaveLength(1)
    reader.pause()
    reader.resume()
    expect(reads()).toEqual([0])
  })

  it('stays paused when it is repositioned, and begins there', () => {
    const { said, reader, reads } = begin(0)
    reader.pause([at(0)])
    reader.assign([at(0, 50)])
    expect(reads()).toEqual([])
    reader.resume([at(0)])
    expect(said.reads.get(0)).toBe(50)
  })

  it('is any that is assigned later, where all are', () => {
    const { reader, reads } = begin(0)
    reader.pause()
    reader.assign([at(1)])
    expect(reads()).toEqual([])
    reader.resume([at(1)])
    expect(reads()).toEqual([1])
    reader.resume()
    reader.assign([at(2)])
    expect(reads()).toEqual([0, 1, 2])
  })

  it('is no longer when it was given up and had again', () => {
    const { reader, reads } = begin(0)
    reader.pause([at(0)])
    reader.unassign([at(0)])
    reader.assign([at(0)])
    expect(reads()).toEqual([0])
  })

  it('must be assigned: of a list with one that is not, none is paused', () => {
    const { reader, reads } = begin(0)
    expect(() => reader.pause([at(0), at(1)])).toThrow('t, partition 1 is not assigned')
    expect(() => reader.resume([at(1)])).toThrow('t, partition 1 is not assigned')
    expect(reads()).toEqual([0])
  })
})

describe('a tenure', () => {
  it('lasts from assigned to unassigned, whatever else happens', () => {
    const { reader } = begin(0)
    const tenure = reader.tenure(at(0))
    expect(tenure).toBeDefined()
    reader.pause()
    reader.assign([at(0, 9)])
    reader.resume()
    expect(reader.tenure(at(0))).toBe(tenure)
    reader.unassign([at(0)])
    expect(reader.tenure(at(0))).toBeUndefined()
    reader.assign([at(0)])
    expect(reader.tenure(at(0))).not.toBe(tenure)
    expect(reader.partitionsOf(topic)).toEqual([0])
    expect(reader.partitionsOf('other')).toEqual([])
  })
})
