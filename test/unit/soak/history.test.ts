import { describe, expect, it } from 'vitest'
import { judge, type Logged, type RouteRow, type Told } from '../../../soak/history.ts'

const told: Told[] = Array.from({ length: 10 }, (_, n) => ({
  value: `v${n}`,
  route: 'single',
  client: 'c',
  topic: 't',
  unit: `u${n >> 1}`,
  outcome: 'written',
  partition: 0,
  offset: n,
  sentAt: n,
  tookMs: 1,
}))
const log: Logged[] = told.map(({ value }, n) => ({
  topic: 't',
  partition: 0,
  offset: n,
  value,
  timestamp: n,
}))
const change = <T>(list: readonly T[], index: number, part: Partial<T>): T[] =>
  list.map((item, i) => (i === index ? { ...item, ...part } : item))
const without = <T>(list: readonly T[], ...indexes: number[]): T[] =>
  list.filter((_, i) => !indexes.includes(i))

/** The faults a verdict names, with how often. */
function faults(history: readonly Told[], records: readonly Logged[]): Partial<RouteRow> {
  const { rows, broken } = judge(history, records)
  const { lost, resurrected, duplicates, elsewhere, disordered, torn } = rows[0]!
  const found = { lost, resurrected, duplicates, elsewhere, disordered, torn }
  const named = Object.fromEntries(Object.entries(found).filter(([, count]) => count > 0))
  expect(broken.length > 0).toBe(Object.keys(named).length > 0)
  return named
}

describe('the verdict on a history', () => {
  it('finds nothing where all is as it was told', () => expect(faults(told, log)).toEqual({}))

  it.each<[string, Partial<RouteRow>, readonly Told[], readonly Logged[]]>([
    ['a written record that is not in the log', { lost: 2 }, told, without(log, 4, 5)],
    ['one of a unit that is not', { lost: 1, torn: 1 }, told, without(log, 4)],
    [
      'one said not to be written that is',
      { resurrected: 1 },
      change(told, 9, { outcome: 'not_written' }),
      log,
    ],
    ['one that is there twice', { duplicates: 1 }, told, [...log, { ...log[3]!, offset: 10 }]],
    [
      'an unknown one that is there twice',
      { duplicates: 1 },
      change(told, 3, { outcome: 'unknown' }),
      [...log, { ...log[3]!, offset: 10 }],
    ],
    ['one that is at another offset', { elsewhere: 1 }, told, change(log, 9, { offset: 12 })],
    ['one that is in another partition', { elsewhere: 1 }, told, change(log, 9, { partition: 1 })],
    [
      'two that changed places',
      { disordered: 1 },
      change(change(told, 2, { offset: 3 }), 3, { offset: 2 }),
      change(change(log, 2, { offset: 3 }), 3, { offset: 2 }),
    ],
  ])('names %s, and nothing else', (_, expected, history, records) => {
    expect(faults(history, records)).toEqual(expected)
  })

  it('lets an unknown record be there or not', () => {
    const unsure = change(change(told, 8, { outcome: 'unknown' }), 9, { outcome: 'unknown' })
    expect(faults(unsure, log)).toEqual({})
    expect(faults(unsure, without(log, 8, 9))).toEqual({})
  })

  it('names a record that nobody sent', () => {
    expect(judge(told, [...log, { ...log[0]!, value: 'x', offset: 10 }]).broken).toHaveLength(1)
  })
})
