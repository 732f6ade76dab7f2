import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { Deadline } from '../../../src/kafka/deadline.ts'
import { KafkaCode } from '../../../src/kafka/errors.ts'
import { newProducerId } from '../../../src/kafka/producers/new-producer-id.ts'
import { produce } from '../../../src/kafka/wire/produce.ts'
import { describeProducers } from '../../../src/kafka/wire/producer-apis.ts'
import { encodeRecordBatch } from '../../../src/kafka/wire/record-batch-writer.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { removeRecordsBelow } from '../../support/produce.ts'
import { TestProducer } from '../../support/producer.ts'
import { readAll } from '../../support/read-all.ts'
import { until } from '../../support/until.ts'

const EXPIRATION_MS = 5_000

let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => {
  kafka = await startTemporaryBroker({
    configs: {
      'producer.id.expiration.ms': String(EXPIRATION_MS),
      'producer.id.expiration.check.interval.ms': '200',
    },
  })
})
afterAll(() => kafka.stop())

async function setUp() {
  const topic = await makeTopic({}, kafka.bootstrap)
  const env = { KAFKA_BROKERS: kafka.bootstrap }
  const [a, b] = [http(await startTestGateway(env)), http(await startTestGateway(env))]
  const cluster = new Cluster({ brokers: [kafka.bootstrap], clientId: 'test' })
  onTestFinished(() => cluster.close())
  const leader = async () => cluster.control((await cluster.topic(topic))!.partitions[0]!.leader)
  const known = async () => (await (await leader()).call(describeProducers, topic, 0)).producers
  const values = async () => (await readAll(topic, kafka.bootstrap)).map(({ value }) => String(value))
  return { topic, a, b, cluster, leader, known, values }
}

describe('a broker', () => {
  it('forgets a producer by the newest timestamp of its last batch, and then takes any sequence number: the reason to ask it', async () => {
    const { topic, cluster, leader, known, values } = await setUp()
    const connection = await leader()
    const { producerId, producerEpoch } = await newProducerId(cluster, new Deadline(10_000))
    const append = async (baseSequence: number, timestamp: number) => {
      const record = { key: null, value: Buffer.from('same'), headers: [], timestamp }
      const batch = encodeRecordBatch([record], { producerId, producerEpoch, baseSequence })
      const { results } = await connection.call(produce, [{ topic, partition: 0, batch }], 5_000)
      return results.get(topic)!.get(0)!.errorCode
    }
    expect(await append(0, Date.now() - EXPIRATION_MS)).toBe(KafkaCode.NONE)
    await until(async () => (await known()).length === 0)
    expect(await append(0, Date.now())).toBe(KafkaCode.NONE)
    expect(await append(0, Date.now())).toBe(KafkaCode.NONE)
    expect(await append(7, Date.now())).toBe(KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
    expect(await values()).toEqual(['same', 'same'])
  })
})

describe('a producer that Kafka has forgotten', () => {
  it('writes nothing again: what the log still shows is a duplicate, anything else 409 producer_expired', async () => {
    const { topic, a, b, known, values } = await setUp()
    const producer = await TestProducer.open(a, topic)
    const unused = await TestProducer.open(a, topic)
    const record = { value: 'a' }
    await producer.put(a, 0, record)
    await until(async () => (await known()).length === 0)
    const expired = { status: 409, json: { code: 'producer_expired', outcome: 'unknown', retryable: false } }
    for (const at of [a, b]) {
      expect(await producer.put(at, 0, record)).toMatchObject({ status: 200, json: { offset: 0 } })
      expect(await producer.put(at, 0, { value: 'b' })).toMatchObject({ json: { code: 'sequence_conflict' } })
      expect(await producer.put(at, 1, record)).toMatchObject(expired)
      expect(await unused.put(at, 0, record)).toMatchObject(expired)
    }
    await removeRecordsBelow(topic, 1, kafka.bootstrap)
    for (const at of [a, b]) expect(await producer.put(at, 0, record)).toMatchObject(expired)
    expect(await values()).toEqual([])
  })
})

describe('a PUT whose newest timestamp is old', () => {
  it('is refused, since Kafka would forget its producer too early', async () => {
    const { topic, a, known, values } = await setUp()
    const producer = await TestProducer.open(a, topic)
    const old = Date.now() - EXPIRATION_MS
    const refused = { status: 422, json: { code: 'invalid_request', outcome: 'not_written' } }
    expect(await producer.put(a, 0, { value: 'a', timestamp: old })).toMatchObject(refused)
    const batch = { records: [{ value: 'a', timestamp: old }, { value: 'b' }] }
    expect(await producer.put(a, 0, batch)).toMatchObject({ status: 201, json: { timestamp: old } })
    expect(await producer.put(a, 2, { value: 'c', timestamp: old })).toMatchObject(refused)
    expect(await known()).toMatchObject([{ lastSequence: 1 }])
    expect(await values()).toEqual(['a', 'b'])
  })

  it('and that was new enough when it was written is still a duplicate', async () => {
    const { topic, a, b } = await setUp()
    const producer = await TestProducer.open(a, topic)
    const record = { value: 'a', timestamp: Date.now() - EXPIRATION_MS / 4 }
    expect(await producer.put(a, 0, record)).toMatchObject({ status: 201 })
    await until(() => Date.now() - record.timestamp > EXPIRATION_MS * 0.6)
    for (const at of [a, b]) {
      expect(await producer.put(at, 0, record)).toMatchObject({ status: 200, json: { offset: 0 } })
    }
  })
})
