import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { KafkaProxy } from '../../../dev/kafka/kafka-proxy.ts'
import { allValues, committedValues, setTransactionVersion, transact } from '../../support/transactions.ts'

const END_TXN = 26

let proxy: KafkaProxy
let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
beforeAll(async () => {
  proxy = await KafkaProxy.start()
  const advertised = `PLAINTEXT://127.0.0.1:${proxy.port}`
  kafka = await startTemporaryBroker({ configs: { 'advertised.listeners': advertised } })
  proxy.target = Number(kafka.bootstrap.split(':')[1])
})
afterEach(() => proxy.forget())
afterAll(async () => {
  await kafka.stop()
  await proxy.close()
})

async function setUp(deadlineMs = 10_000) {
  const env = {
    KAFKA_BROKERS: `127.0.0.1:${proxy.port}`,
    SLUICE_PRODUCE_TIMEOUT_MS: String(deadlineMs),
  }
  const [one, other] = [http(await startTestGateway(env)), http(await startTestGateway(env))]
  const topic = await makeTopic({ partitions: 1 }, kafka.bootstrap)
  const group = uniqueName('g')
  const id = randomUUID()
  const body = {
    id,
    records: [
      { topic, value: 'a' },
      { topic, key: 'k', value: 'b', timestamp: 1_700_000_000_000 },
    ],
    offsets: { group, offsets: [{ topic, partition: 0, offset: 9 }] },
  }
  return {
    one,
    other,
    topic,
    id,
    body,
    state: async () => (await other.get(`/v1/transactions/${id}`)).json,
    committed: () => committedValues(one, topic, kafka.bootstrap),
    offset: async () => (await committedOffsets(group, topic, kafka.bootstrap))[0],
  }
}

describe.each<[string, 0 | 2]>([
  ['with KIP-890', 2],
  ['before KIP-890', 0],
])('a transaction with an id, %s', (_, version) => {
  beforeAll(() => setTransactionVersion(kafka.bootstrap, version))

  it('is committed once, at whichever gateways it is asked for, and its places are remembered', async () => {
    const { one, other, body, id, state, committed, offset } = await setUp()
    const first = await transact(one, body)
    expect([first.status, first.json]).toMatchObject([
      200,
      { transaction: id, state: 'committed', duplicate: false, results: [{ offset: 0 }, { offset: 1 }] },
    ])
    expect(await state()).toEqual({ transaction: id, state: 'committed' })
    for (const client of [other, one, other]) {
      const again = await transact(client, body)
      expect([again.status, again.json]).toEqual([200, { ...first.json, duplicate: true }])
    }
    expect(await state()).toEqual({ transaction: id, state: 'committed' })
    expect(await committed()).toEqual(['a', 'b'])
    await vi.waitFor(async () => expect(await offset()).toBe(9))
  })

  it('is refused where it says something else, whatever differs', async () => {
    const { one, other, topic, body, committed } = await setUp()
    const elsewhere = await makeTopic({}, kafka.bootstrap)
    expect((await transact(one, body)).status).toBe(200)
    const [a, b] = body.records
    for (const different of [
      { ...body, offsets: undefined },
      { ...body, records: [b, a] },
      { ...body, records: [a, { ...b!, key: 'other' }] },
      { ...body, records: [{ ...a, topic: elsewhere }, b] },
      { ...body, records: [{ topic, value: 'a', headers: { h: '' } }, b] },
    ]) {
      const answer = await transact(other, different)
      expect([answer.status, answer.json]).toMatchObject([
        409,
        { code: 'transaction_conflict', outcome: 'not_written' },
      ])
    }
    expect(await committed()).toEqual(['a', 'b'])
    expect(await committedValues(one, elsewhere, kafka.bootstrap)).toEqual([])
  })

  it('is found by a repeat where the answer was lost, and committed by one where the commit was', async () => {
    const { one, other, body, state, committed } = await setUp(1_500)
    proxy.meetAll(END_TXN, { requestBytes: 0 })
    expect((await transact(one, body)).json).toMatchObject({
      code: 'write_unconfirmed',
      retryable: true,
      transaction: body.id,
    })
    proxy.forget()
    await vi.waitFor(async () => expect(await transact(other, body)).toMatchObject({ status: 200 }), 10_000)
    expect(await state()).toMatchObject({ state: 'committed' })
    expect((await transact(one, body)).json).toMatchObject({ duplicate: true })
    expect(await committed()).toEqual(['a', 'b'])

    const later = { ...body, id: randomUUID() }
    // The gateway asks Kafka what became of the commit that nobody confirmed.
    proxy.meetAll(END_TXN, { responseBytes: 0 })
    expect((await transact(one, later)).json).toMatchObject({ state: 'committed', duplicate: false })
    proxy.forget()
    expect((await transact(other, later)).json).toMatchObject({ duplicate: true })
    expect(await committed()).toEqual(['a', 'b', 'a', 'b'])
  })

  it('is committed once where two gateways are asked at the same moment, again and again', async () => {
    const { one, other, topic, body, committed } = await setUp()
    for (let round = 0; round < 8; round++) {
      const same = { ...body, id: randomUUID(), records: [{ topic, value: `v${round}` }] }
      const until = async (client: typeof one) => {
        for (;;) {
          const answer = await transact(client, same)
          if (answer.status === 200) return answer.json
          expect(answer.json).toMatchObject({ outcome: 'not_written', retryable: true })
        }
      }
      const answers = await Promise.all([until(one), until(other), until(one)])
      expect(new Set(answers.map(({ results }) => results[0]!.offset)).size).toBe(1)
    }
    expect(await committed()).toEqual(Array.from({ length: 8 }, (_, round) => `v${round}`))
  }, 60_000)
})

describe('an id', () => {
  beforeAll(() => setTransactionVersion(kafka.bootstrap, 2))

  it('is 404 before it was used, and not committed after a request that failed', async () => {
    const { one, topic, body, state } = await setUp()
    expect(await state()).toMatchObject({ code: 'transaction_not_found' })
    const small = await makeTopic({ configs: { 'max.message.bytes': '300' } }, kafka.bootstrap)
    const records = [...body.records, { topic: small, value: 'x'.repeat(400) }]
    const answer = await transact(one, { ...body, records })
    expect(answer.json).toMatchObject({ code: 'record_too_large', state: 'aborted', transaction: body.id })
    await vi.waitFor(async () => expect(await state()).toMatchObject({ state: 'notCommitted' }))
    expect((await transact(one, body)).json).toMatchObject({ duplicate: false })
    expect(await allValues(topic, kafka.bootstrap)).toEqual(['a', 'b', 'a', 'b'])
  })

  it('remembers no places of many records, and says so', async () => {
    const { one, topic, id } = await setUp()
    const records = Array.from({ length: 1_000 }, (_, timestamp) => ({ topic, value: 'x', timestamp }))
    expect((await transact(one, { id, records })).json.results).toHaveLength(1_000)
    expect((await transact(one, { id, records })).json).toMatchObject({ duplicate: true, results: null })
  })

  it.each(['', 'a b', 'a.b', 'x'.repeat(65)])('is refused where it is %j', async (id) => {
    const { one, body } = await setUp()
    const answer = await transact(one, { ...body, id })
    expect([answer.status, answer.json]).toMatchObject([422, { errors: [{ pointer: '/id' }] }])
  })
})
