import { describe, expect, it } from 'vitest'
import { valueOf } from '../../src/records/fetched-record.ts'
import type { AbortedTransaction } from '../../src/kafka/wire/fetch.ts'
import { readRecordBatches } from '../../src/kafka/wire/record-batch-reader.ts'
import { makeBatch } from '../support/record-batch.ts'

/** A log from steps: `1:a` is a record `a` of producer 1 in a transaction, `1!` and `1.` end it aborted and committed, `a` is outside of any. */
function log(steps: string): Buffer {
  return Buffer.concat(
    steps.split(' ').map((step, offset) => {
      const baseOffset = BigInt(offset)
      const [, producer, end, value] = /^(?:(\d)([!.:]))?(\w*)$/.exec(step)!
      const producerId = BigInt(producer ?? -1)
      if (end === '!' || end === '.')
        return makeBatch({ baseOffset, producerId, control: end === '!' ? 'abort' : 'commit' })
      const transactional = producer !== undefined
      return makeBatch({ baseOffset, producerId, transactional, records: [{ value: Buffer.from(value!) }] })
    }),
  )
}

function read(steps: string, aborted: [producerId: number, firstOffset: number][], from = 0): string {
  const list: AbortedTransaction[] = aborted.map(([id, firstOffset]) => ({
    producerId: BigInt(id),
    firstOffset,
  }))
  const { records } = readRecordBatches(log(steps), { from, aborted: list })
  return records.map((r) => valueOf(r)!.toString()).join('')
}

describe('read_committed', () => {
  it('leaves out the records of an aborted transaction, and no others', () => {
    expect(read('x 1:a 2:b 1:a y 1! 2. z', [[1, 1]])).toBe('xbyz')
  })

  it('tells the aborted from the committed transactions of one producer', () => {
    expect(
      read('1:a 1! 1:b 1. 1:c 1! 1:d 1.', [
        [1, 0],
        [1, 4],
      ]),
    ).toBe('bd')
    expect(read('1:a 1. 1:b 1! 1:c 1.', [[1, 2]])).toBe('ac')
  })

  it('keeps transactions that interleave apart, whatever the order of the list', () => {
    expect(
      read('1:a 2:b 3:c 2! 2:d 1! 1:e 2. 3. 1!', [
        [1, 6],
        [2, 1],
        [1, 0],
      ]),
    ).toBe('cd')
  })

  it('leaves out the rest of a transaction that began before the first offset read', () => {
    expect(read('1:a 1:b 1! 1:c 1.', [[1, 0]], 1)).toBe('c')
  })

  it('takes no record outside of transactions for an aborted one', () => {
    const plain = makeBatch({ producerId: 1n, records: [{ value: Buffer.from('p') }] })
    const { records } = readRecordBatches(plain, { from: 0, aborted: [{ producerId: 1n, firstOffset: 0 }] })
    expect(records).toHaveLength(1)
  })

  it('shows everything where no list came: read_uncommitted', () => {
    expect(readRecordBatches(log('1:a 1! 1:b'), { from: 0, aborted: null }).records).toHaveLength(2)
  })
})
