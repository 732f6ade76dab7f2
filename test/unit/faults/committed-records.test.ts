import { expect, it } from 'vitest'
import { CommittedRecords, type RawMessage } from '../../../faults/witness/committed-records.ts'

const record = (offset: number, producerId: string | null): RawMessage => ({
  offset: String(offset),
  timestamp: '0',
  key: null,
  value: Buffer.from(String(offset)),
  batchContext: { producerId: producerId ?? '-1', inTransaction: producerId !== null, isControlBatch: false },
})
const marker = (offset: number, producerId: string, type: 0 | 1): RawMessage => ({
  ...record(offset, producerId),
  key: Buffer.from([0, 0, 0, type]),
  batchContext: { producerId, inTransaction: true, isControlBatch: true },
})
const offsetsOf = (messages: RawMessage[]) => messages.map(({ offset }) => Number(offset))

it('tells committed records from aborted ones where transactions overlap', () => {
  const log = [
    record(0, 'a'),
    record(1, 'b'),
    record(2, null),
    record(3, 'c'),
    record(4, 'b'),
    marker(5, 'b', 0),
    marker(6, 'a', 0),
    record(7, 'a'),
    marker(8, 'c', 1),
    marker(9, 'a', 1),
    record(10, 'c'),
  ]
  expect(offsetsOf(new CommittedRecords().take(log))).toEqual([2, 3, 7])
})

it('takes a message that comes again for the same one', () => {
  const records = new CommittedRecords()
  expect(offsetsOf(records.take([record(0, null), record(1, null)]))).toEqual([0, 1])
  expect(offsetsOf(records.take([record(0, null), record(1, null), record(2, null)]))).toEqual([2])
})
