import { describe, expect, it } from 'vitest'
import { fingerprintOf, mementoOf, readRuns } from '../../src/kafka/transactions/memory.ts'
import { keyText, parseKey, stateOfKey } from '../../src/kafka/transactions/transaction-key.ts'
import type { TransactionRequest } from '../../src/kafka/transactions/types.ts'

const transactionalId = 'sluice-1a2b3c-7'
const key = { transactionalId, producerId: 12n, producerEpoch: 5 }

describe('the text that names a transaction', () => {
  it('says which it is, and how it ended where that was known', () => {
    for (const protocol of [1, 2] as const) {
      const text = keyText({ ...key, protocol })
      expect(text).toBe(`sluice-1a2b3c-7.12.5.${protocol}`)
      expect(parseKey(text)).toEqual({ ...key, protocol })
    }
    expect(parseKey(keyText({ ...key, protocol: 2 }, 'committed'))).toMatchObject({ ended: 'committed' })
    expect(parseKey(keyText({ ...key, protocol: 2 }, 'aborted'))).toMatchObject({ ended: 'aborted' })
  })
})

describe("Kafka's state of a transactional id", () => {
  it.each<[protocol: 1 | 2, state: string, epoch: number, means: string]>([
    [1, 'Ongoing', 5, 'ongoing'],
    [1, 'PrepareCommit', 5, 'committed'],
    [1, 'CompleteCommit', 5, 'committed'],
    [1, 'PrepareAbort', 5, 'aborted'],
    [1, 'CompleteAbort', 5, 'aborted'],
    // Its time was up: Kafka raised the epoch to abort it.
    [1, 'Ongoing', 6, 'ongoing'],
    [1, 'CompleteAbort', 6, 'aborted'],
    [1, 'CompleteCommit', 6, 'aborted'],
    [2, 'Ongoing', 5, 'ongoing'],
    [2, 'PrepareCommit', 6, 'committed'],
    [2, 'CompleteCommit', 6, 'committed'],
    [2, 'CompleteAbort', 6, 'aborted'],
    [2, 'CompleteAbort', 7, 'aborted'],
    // Of the transaction before, or of a later one.
    [2, 'CompleteCommit', 5, 'aborted'],
    [2, 'CompleteCommit', 7, 'aborted'],
  ])(
    'in protocol %i, %s at epoch %i, means that the one at epoch 5 is %4$s',
    (protocol, state, epoch, means) => {
      const told = { transactionState: state, producerId: 12n, producerEpoch: epoch }
      expect(stateOfKey({ ...key, protocol }, told)).toBe(means)
    },
  )

  it('of another producer id is not about it', () => {
    const told = { transactionState: 'CompleteCommit', producerId: 13n, producerEpoch: 5 }
    expect(stateOfKey({ ...key, protocol: 1 }, told)).toBe('aborted')
  })
})

function requestOf(values: (string | null)[], more: Partial<TransactionRequest> = {}): TransactionRequest {
  const bytes = (value: string | null) => (value === null ? null : Buffer.from(value))
  const records = values.map((value) => ({
    topic: 't',
    record: { key: null, value: bytes(value), headers: [] },
  }))
  return { records, ...more }
}

describe('what Kafka remembers of a transaction with an id', () => {
  it('are the places of its records, in their order', () => {
    const request = requestOf(['a', 'b', 'c', 'd'])
    const results = [
      { topic: 't', partition: 2, offset: 10, timestamp: 1_700_000_000_000 },
      { topic: 't', partition: 2, offset: 11, timestamp: 1_700_000_000_000 },
      { topic: 't', partition: 0, offset: null, timestamp: 0 },
      { topic: 't', partition: 2, offset: Number.MAX_SAFE_INTEGER, timestamp: 1_700_000_000_000 },
    ]
    const { metadata } = mementoOf(request, { ...key, protocol: 2 }, results)
    expect(readRuns(metadata.split(' ')[3]!, request)).toEqual(results)
  })

  it('tells requests apart that differ anywhere, and only those', () => {
    const offsets = (offset: number) => ({
      group: 'g',
      offsets: [{ topic: 't', partition: 0, offset, metadata: '' }],
    })
    const requests = [
      requestOf(['ab', 'c']),
      requestOf(['a', 'bc']),
      requestOf(['abc']),
      requestOf(['']),
      requestOf([null]),
      requestOf([]),
      requestOf([], { offsets: offsets(1) }),
      requestOf([], { offsets: offsets(2) }),
    ]
    expect(new Set(requests.map(fingerprintOf)).size).toBe(requests.length)
    expect(fingerprintOf(requestOf(['a', 'b']))).toBe(fingerprintOf(requestOf(['a', 'b'])))
  })
})
