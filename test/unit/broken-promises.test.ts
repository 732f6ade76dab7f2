import { describe, expect, it } from 'vitest'
import { brokenPromises, type Told } from '../support/produce-load.ts'
import type { WitnessedRecord } from '../support/read-all.ts'

const deadlineMs = 1_000
const told = (value: string, outcome: Told['outcome'], offset?: number, more: Partial<Told> = {}): Told => {
  const position = offset === undefined ? {} : { partition: 0, offset }
  return { value, client: 'c', outcome, ...position, sentAt: 0, answeredAt: 10, ...more }
}
const logOf = (...values: string[]) =>
  values.map(
    (value, i) => ({ value: Buffer.from(value), partition: 0, offset: String(i) }) as WitnessedRecord,
  )

const history = [
  told('a', 'written', 0),
  told('b', 'written', 1),
  told('c', 'not_written'),
  told('d', 'unknown'),
  told('e', 'unknown'),
]

describe('the checker of produce histories', () => {
  it('finds nothing wrong with a history that keeps every promise', () => {
    expect(brokenPromises(history, logOf('a', 'b', 'd'), { deadlineMs })).toEqual([])
  })

  it.each<[string, readonly Told[], WitnessedRecord[]]>([
    ['a written record that is lost', history, logOf('a')],
    ['a written record that is there twice', history, logOf('a', 'b', 'b')],
    ['a not_written record that is there', history, logOf('a', 'b', 'c')],
    ['an unknown record that is there twice', history, logOf('a', 'b', 'd', 'd')],
    ['records that have changed places', history, logOf('b', 'a')],
    ['a record that nobody sent', history, logOf('a', 'b', 'x')],
    ["an offset that is not the record's", [told('a', 'written', 5)], logOf('a')],
    ['an answer after the deadline', [told('a', 'written', 0, { answeredAt: 2_500 })], logOf('a')],
    [
      'a client whose records are in another order',
      [told('b', 'written', 1), told('a', 'written', 0)],
      logOf('a', 'b'),
    ],
  ])('finds %s', (_, all, log) => expect(brokenPromises(all, log, { deadlineMs })).not.toEqual([]))
})
