import { Admin } from '@platformatic/kafka'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { KafkaCode } from '../../../src/kafka/errors.ts'
import { initProducerId } from '../../../src/kafka/wire/apis.ts'
import { produce } from '../../../src/kafka/wire/produce.ts'
import { encodeRecordBatch } from '../../../src/kafka/wire/record-batch-writer.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { brokers, makeAgain, makeTopic, uniqueName } from '../../support/kafka.ts'
import { brokenPromises, Load } from '../../support/produce-load.ts'
import { readAll } from '../../support/read-all.ts'

/** Appends batches under a producer id of its own, with sequence numbers of the test's choice. */
async function producerOn(topic: string) {
  const cluster = new Cluster({ brokers: brokers().split(','), clientId: 'test' })
  onTestFinished(() => cluster.close())
  const info = (await cluster.topic(topic))!
  const connection = await cluster.lease(info.partitions[0]!.leader)
  const { producerId, producerEpoch } = await connection.call(initProducerId, null, 0, -1n, -1)
  return async (baseSequence: number, ...values: string[]) => {
    const records = values.map((value) => ({
      key: null,
      value: Buffer.from(value),
      headers: [],
      timestamp: 1,
    }))
    const batch = encodeRecordBatch(records, { producerId, producerEpoch, baseSequence })
    const { results } = await connection.call(produce, [{ topic, partition: 0, batch }], 5_000)
    const { errorCode, baseOffset } = results.get(topic)!.get(0)!
    return { errorCode, baseOffset }
  }
}

const valuesOf = async (topic: string) => (await readAll(topic)).map((r) => String(r.value))

describe('a real broker, as the model of the partition queue has it,', () => {
  it('counts sequence numbers on past 2^31-1 from 0, also within a batch', async () => {
    const topic = await makeTopic()
    const append = await producerOn(topic)
    expect(await append(2 ** 31 - 2, 'a')).toEqual({ errorCode: 0, baseOffset: 0n })
    expect(await append(2 ** 31 - 1, 'b', 'c', 'd')).toEqual({ errorCode: 0, baseOffset: 1n })
    expect(await append(2, 'e')).toEqual({ errorCode: 0, baseOffset: 4n })
    expect(await valuesOf(topic)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('knows the last five batches again, and takes nothing that leaves a gap or comes too late', async () => {
    const topic = await makeTopic()
    const append = await producerOn(topic)
    for (let n = 0; n < 6; n++) await append(n, `v${n}`)
    expect(await append(1, 'v1')).toEqual({ errorCode: 0, baseOffset: 1n })
    const gap = { errorCode: KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER, baseOffset: -1n }
    expect(await append(7, 'gap')).toEqual(gap)
    expect((await append(0, 'v0')).errorCode).not.toBe(KafkaCode.NONE)
    expect(await valuesOf(topic)).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5'])
  })

  it('takes new records under old numbers for the old ones: the reason why a number is never used twice', async () => {
    const topic = await makeTopic()
    const append = await producerOn(topic)
    await append(0, 'old')
    expect(await append(0, 'new')).toEqual({ errorCode: 0, baseOffset: 0n })
    expect(await valuesOf(topic)).toEqual(['old'])
  })

  it('goes on with a producer from any number in a topic made again under the name', async () => {
    const topic = await makeTopic()
    const append = await producerOn(topic)
    for (let n = 0; n < 3; n++) await append(n, `old${n}`)
    await makeAgain(topic)
    await vi.waitFor(
      async () => expect(await append(3, 'new')).toEqual({ errorCode: 0, baseOffset: 0n }),
      5_000,
    )
    expect(await valuesOf(topic)).toEqual(['new'])
  })
})

describe('a quota of the brokers', () => {
  it('slows clients down, and neither loses their records nor opens connections without end', async () => {
    const clientId = uniqueName('throttled')
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: brokers().split(',') })
    onTestFinished(() => admin.close())
    const entities = [{ entityType: 'client-id' as const, entityName: clientId }]
    const key = 'producer_byte_rate' as const
    const alter = (op: { value: number; remove: false } | { remove: true }) =>
      admin.alterClientQuotas({ entries: [{ entities, ops: [{ key, ...op }] }], validateOnly: false })
    await alter({ value: 4_000, remove: false })
    onTestFinished(() => alter({ remove: true }).then(() => {}))
    const topic = await makeTopic({ partitions: 3 })
    const gateway = await startTestGateway({ KAFKA_CLIENT_ID: clientId })
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    const load = new Load(gateway, { topic, clients: 4, batch: () => 50 })
    await vi.waitFor(() => expect(load.written()).toBeGreaterThan(400), 10_000)
    const before = sockets()
    const since = performance.now()
    let most = 0
    await vi.waitFor(() => {
      most = Math.max(most, sockets())
      expect(performance.now() - since).toBeGreaterThan(4_000)
    }, 10_000)
    const told = await load.stop()
    expect(most - before).toBeLessThan(10)
    const perSecond = load.written(since) / ((performance.now() - since) / 1_000)
    expect(perSecond).toBeLessThan(2_000)
    expect(told.filter((t) => t.outcome !== 'written')).toEqual([])
    expect(brokenPromises(told, await readAll(topic), { deadlineMs: 10_000 })).toEqual([])
  })
})
