import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CreditWindow, InFlightWindow, MAX_CREDIT, windowOf } from '../../../src/ws/window.ts'

const at = (partition: number) => ({ topic: 't', partition })

describe('InFlightWindow', () => {
  it('holds exactly the records and bytes that were sent and not received, whatever happens', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('send' as const),
        partition: fc.nat(2),
        bytes: fc.integer({ min: 1, max: 50 }),
      }),
      fc.record({ kind: fc.constant('receive' as const), partition: fc.nat(2), upTo: fc.nat(60) }),
      fc.record({ kind: fc.constant('end' as const), partition: fc.nat(2) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const window = new InFlightWindow(10, 200)
        let sent: { partition: number; offset: number; bytes: number }[] = []
        let opened = 0
        window.onOpen = () => opened++
        const next = [0, 0, 0]
        for (const what of steps) {
          const { partition } = what
          if (what.kind === 'send') {
            if (!window.isOpen) continue
            const offset = next[partition]!++
            window.sent(at(partition), offset, what.bytes)
            sent.push({ partition, offset, bytes: what.bytes })
          } else {
            const before = opened
            const below = what.kind === 'receive' ? what.upTo : Infinity
            if (what.kind === 'receive') window.received([{ ...at(partition), offset: what.upTo }])
            else window.ended([at(partition)])
            sent = sent.filter((record) => record.partition !== partition || record.offset >= below)
            expect(opened > before).toBe(window.isOpen)
          }
          const bytes = sent.reduce((sum, record) => sum + record.bytes, 0)
          expect(window.isOpen).toBe(sent.length < 10 && bytes < 200)
        }
      }),
    )
  })

  it('lets a record through that is larger than all of it', () => {
    const window = new InFlightWindow(10, 100)
    window.sent(at(0), 0, 99)
    expect(window.isOpen).toBe(true)
    window.sent(at(0), 1, 1_000_000)
    expect(window.isOpen).toBe(false)
    window.received([{ ...at(0), offset: 2 }])
    expect(window.isOpen).toBe(true)
  })
})

describe('CreditWindow', () => {
  it('is closed until credit comes, which adds up', () => {
    const window = new CreditWindow()
    expect(window.isOpen).toBe(false)
    window.credit(1, undefined)
    window.credit(1, undefined)
    window.sent(at(0), 0, 1_000_000)
    expect(window.isOpen).toBe(true)
    window.sent(at(0), 1, 1)
    expect(window.isOpen).toBe(false)
  })

  it('counts bytes once there were any; a record that is larger uses them up and owes nothing', () => {
    const window = new CreditWindow()
    window.credit(100, 10)
    window.sent(at(0), 0, 1_000)
    expect(window.isOpen).toBe(false)
    window.credit(0, 10)
    expect(window.isOpen).toBe(true)
    window.sent(at(0), 1, 4)
    window.sent(at(0), 2, 4)
    expect(window.isOpen).toBe(true)
    window.sent(at(0), 3, 4)
    expect(window.isOpen).toBe(false)
    window.credit(1, undefined)
    expect(window.isOpen, 'records alone do not help').toBe(false)
  })

  it('refuses more than it can hold, and stays as it was', () => {
    const window = new CreditWindow()
    window.credit(MAX_CREDIT, MAX_CREDIT)
    expect(() => window.credit(1, undefined)).toThrow('/records')
    expect(() => window.credit(0, 1)).toThrow('/bytes')
    window.sent(at(0), 0, 10)
    expect(() => window.credit(1, 11)).toThrow('/bytes')
    window.credit(1, 10)
    expect(() => window.credit(1, undefined)).toThrow('/records')
  })
})

describe('windowOf', () => {
  it('gives none where none is asked for', () => {
    expect(windowOf({})).toBeUndefined()
    expect(windowOf({ window: 0 })).toBeInstanceOf(CreditWindow)
    expect(windowOf({ window: 1 })).toBeInstanceOf(InFlightWindow)
    expect(windowOf({ windowBytes: 1 })).toBeInstanceOf(InFlightWindow)
  })
})
