import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KafkaCode } from '../../src/kafka/errors.ts'
import { PartitionQueue } from '../../src/kafka/writer/partition-queue.ts'
import type { PendingRecord } from '../../src/kafka/writer/record-list.ts'
import { type RecordResult, WriteRequest } from '../../src/kafka/writer/write-request.ts'
import { failed, PartitionLog } from '../support/partition-log.ts'
import { PartitionWorld, steps } from '../support/partition-world.ts'

const someone = { producerId: 1n, producerEpoch: 0 }
const another = { producerId: 2n, producerEpoch: 0 }
const lost = new Error('the connection was cut')

/** A queue with records of these names waiting, and what becomes of them. */
function queueOf(names: readonly string[], { firstSequence = 0, deadline = 1_000 } = {}) {
  const queue = new PartitionQueue('t', 0, { firstSequence })
  const outcomes: Record<string, RecordResult['outcome']> = {}
  for (const name of names) {
    const request = new WriteRequest(1, ([result]) => (outcomes[name] = result!.outcome))
    const record = { key: null, value: Buffer.from(name), headers: [], timestamp: 0 }
    queue.push({ record, size: 100, deadline, request, index: 0, settled: false }, 0)
  }
  return { queue, outcomes }
}

const namesOf = (records: readonly PendingRecord[]) => records.map(({ record }) => String(record.value))

describe('PartitionQueue', () => {
  it('gives every record one outcome by its deadline, and the log agrees with it, whatever goes wrong', () => {
    fc.assert(
      fc.property(
        fc.array(steps, { maxLength: 60, size: 'max' }),
        fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31 - 2, 2 ** 31 - 7),
        (all, firstSequence) => {
          const world = new PartitionWorld(firstSequence)
          for (const step of all) world.run(step)
          world.finish()
          world.check()
        },
      ),
      { numRuns: 5_000 },
    )
  }, 60_000)

  it('numbers records on past 2^31-1 from 0, as brokers count', () => {
    const log = new PartitionLog()
    const { queue, outcomes } = queueOf(['a', 'b'], { firstSequence: 2 ** 31 - 1 })
    const spanning = queue.take(someone)
    expect(spanning.bytes.readInt32BE(53)).toBe(2 ** 31 - 1)
    queue.answer(spanning, log.append(spanning.bytes))
    const request = new WriteRequest(1, ([result]) => (outcomes.c = result!.outcome))
    const record = { key: null, value: Buffer.from('c'), headers: [], timestamp: 0 }
    queue.push({ record, size: 100, deadline: 1_000, request, index: 0, settled: false }, 0)
    const next = queue.take(someone)
    expect(next.bytes.readInt32BE(53)).toBe(1)
    queue.answer(next, log.append(next.bytes))
    expect(outcomes).toEqual({ a: 'written', b: 'written', c: 'written' })
  })

  it('sends the same bytes again after an answer that was lost, and says where the first try put them', () => {
    const log = new PartitionLog()
    const { queue, outcomes } = queueOf(['a', 'b'])
    const first = queue.take(someone)
    log.append(first.bytes)
    queue.unanswered(first, lost)
    const second = queue.take(another)
    expect(second.bytes.equals(first.bytes)).toBe(true)
    queue.answer(second, log.append(second.bytes))
    expect(outcomes).toEqual({ a: 'written', b: 'written' })
    expect(log.values).toEqual(['a', 'b'])
  })

  it('does not believe that a batch is a duplicate which it never sent before', () => {
    const { queue, outcomes } = queueOf(['a'])
    queue.answer(queue.take(someone), failed(KafkaCode.DUPLICATE_SEQUENCE_NUMBER))
    expect(outcomes).toEqual({})
    expect(queue.accepts(someone)).toBe(false)
    expect(namesOf(queue.take(another).records)).toEqual(['a'])
  })

  it('goes on under another producer id once a batch is unknown, so that a late append collides with nothing', () => {
    const { queue, outcomes } = queueOf(['a'])
    queue.unanswered(queue.take(someone), lost)
    queue.expire(1_000)
    expect(outcomes).toEqual({ a: 'unknown' })
    expect(queue.accepts(someone)).toBe(false)
    expect(queue.accepts(another)).toBe(true)
  })

  it('takes no notice of an answer that comes after the deadline', () => {
    const { queue } = queueOf(['a'])
    const late = queue.take(someone)
    queue.expire(1_000)
    const request = new WriteRequest(1, () => {})
    const record = { key: null, value: Buffer.from('b'), headers: [], timestamp: 0 }
    queue.push({ record, size: 100, deadline: 2_000, request, index: 0, settled: false }, 1_000)
    const batch = queue.take(another)
    queue.answer(late, { ...failed(KafkaCode.NONE), baseOffset: 7n })
    queue.unanswered(late, lost)
    expect(queue.inFlight).toBe(true)
    expect(queue.failures).toBe(0)
    queue.answer(batch, { ...failed(KafkaCode.NONE), baseOffset: 8n })
    queue.push({ record, size: 100, deadline: 2_000, request, index: 0, settled: false }, 1_000)
    expect(queue.take(another).bytes.readInt32BE(53)).toBe(1)
  })

  it('never sends a record again that has its outcome', () => {
    const { queue, outcomes } = queueOf(['early'], { deadline: 500 })
    const request = new WriteRequest(1, ([result]) => (outcomes.late = result!.outcome))
    const record = { key: null, value: Buffer.from('late'), headers: [], timestamp: 0 }
    queue.push({ record, size: 100, deadline: 1_000, request, index: 0, settled: false }, 0)
    const batch = queue.take(someone)
    queue.expire(500)
    expect(outcomes).toEqual({ early: 'unknown' })
    queue.answer(batch, failed(KafkaCode.MESSAGE_TOO_LARGE))
    expect(namesOf(queue.take(someone).records)).toEqual(['late'])
  })

  it('calls a record not_written when every try met NOT_ENOUGH_REPLICAS, and unknown when one did after the append', () => {
    const before = queueOf(['a'])
    for (let i = 0; i < 3; i++)
      before.queue.answer(before.queue.take(someone), failed(KafkaCode.NOT_ENOUGH_REPLICAS))
    before.queue.expire(1_000)
    expect(before.outcomes).toEqual({ a: 'not_written' })
    const after = queueOf(['a'])
    after.queue.answer(after.queue.take(someone), failed(KafkaCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND))
    after.queue.answer(after.queue.take(someone), failed(KafkaCode.NOT_ENOUGH_REPLICAS))
    after.queue.expire(1_000)
    expect(after.outcomes).toEqual({ a: 'unknown' })
  })

  it('refuses the guilty records alone and sends the others again in order', () => {
    const { queue, outcomes } = queueOf(['a', 'bad', 'c', 'worse', 'e'])
    queue.answer(queue.take(someone), failed(KafkaCode.INVALID_RECORD, [1, 3]))
    expect(outcomes).toEqual({ bad: 'not_written', worse: 'not_written' })
    expect(namesOf(queue.take(someone).records)).toEqual(['a', 'c', 'e'])
  })

  it('finds the one record that is too large by halving, and writes the others once', () => {
    const names = Array.from({ length: 64 }, (_, i) => `r${i}`)
    const { queue, outcomes } = queueOf(names)
    const log = new PartitionLog()
    for (let tries = 0; queue.hasWork; tries++) {
      expect(tries).toBeLessThan(100)
      const batch = queue.take(someone)
      const has = namesOf(batch.records).includes('r40')
      queue.answer(batch, has ? failed(KafkaCode.MESSAGE_TOO_LARGE) : log.append(batch.bytes))
    }
    expect(Object.entries(outcomes).filter(([, outcome]) => outcome !== 'written')).toEqual([
      ['r40', 'not_written'],
    ])
    expect(log.values).toEqual(names.filter((name) => name !== 'r40'))
  })

  it('is tried again some time after it failed, though nothing waits in it', () => {
    const { queue } = queueOf(['a'])
    const now = performance.now()
    queue.answer(queue.take(someone), failed(KafkaCode.NOT_LEADER_OR_FOLLOWER))
    expect(queue.isStuck(now)).toBe(true)
    queue.expire(now + 1_000)
    expect(queue.hasWork).toBe(false)
    expect(queue.isStuck(now)).toBe(true)
    expect(queue.isStuck(now + 5_000)).toBe(false)
  })
})
