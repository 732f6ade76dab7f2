import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { type Fault, KafkaProxy, PRODUCE } from '../../../dev/kafka/kafka-proxy.ts'
import { putUntilAnswered, TestProducer } from '../../support/producer.ts'
import { readAll } from '../../support/read-all.ts'
import { startGatewayProcess } from '../../support/ws-gateway-process.ts'

const FETCH = 1
const METADATA = 3
const DESCRIBE_PRODUCERS = 61

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

async function setUp({
  timeoutMs = 10_000,
  configs = {},
}: { timeoutMs?: number; configs?: Record<string, string> } = {}) {
  const env = { KAFKA_BROKERS: `127.0.0.1:${proxy.port}`, SLUICE_PRODUCE_TIMEOUT_MS: String(timeoutMs) }
  const gateways = [await startTestGateway(env), await startTestGateway(env)] as const
  const [a, b] = [http(gateways[0]), http(gateways[1])]
  const topic = await makeTopic({ configs }, kafka.bootstrap)
  const producer = await TestProducer.open(a, topic)
  const values = async () => (await readAll(topic, kafka.bootstrap)).map(({ value }) => String(value))
  return { env, gateways, a, b, topic, producer, values }
}

const faults: readonly Fault[] = [
  { responseBytes: 0 },
  { responseBytes: 20 },
  { requestBytes: 9 },
  { requestBytes: -1 },
  { swallow: true },
]

describe('a PUT is written once, and 201 with its offset, when between gateway and Kafka', () => {
  it('any part of its way is cut, or its answer never comes', async () => {
    const { a, b, producer, values } = await setUp({ timeoutMs: 2_000 })
    await producer.put(a, 0, { value: 'v0' })
    for (const [i, fault] of faults.entries()) {
      const n = i + 1
      const met = proxy.meet(PRODUCE, fault)
      const [answer] = await Promise.all([producer.put(a, n, { value: `v${n}` }), met])
      expect(answer, JSON.stringify(fault)).toMatchObject({
        status: 201,
        json: { offset: n, duplicate: false },
      })
      expect(await producer.put(b, n, { value: `v${n}` })).toMatchObject({ status: 200, json: { offset: n } })
    }
    expect(await values()).toEqual(['v0', ...faults.map((_, i) => `v${i + 1}`)])
  })

  it('the answers of three tries and of what is asked besides are lost', async () => {
    const { b, producer, values } = await setUp()
    const lost = [
      ...[{ responseBytes: 0 }, { requestBytes: 30 }, { responseBytes: 3 }].map((f) =>
        proxy.meet(PRODUCE, f),
      ),
      ...[{ responseBytes: 0 }, { requestBytes: 12 }].map((f) => proxy.meet(DESCRIBE_PRODUCERS, f)),
      proxy.meet(METADATA, { responseBytes: 10 }),
      proxy.meet(FETCH, { responseBytes: 10 }),
    ]
    const [answer] = await Promise.all([producer.put(b, 0, { value: 'a' }), ...lost])
    expect(answer).toMatchObject({ status: 201, json: { offset: 0 } })
    expect(await values()).toEqual(['a'])
  })
})

describe('a PUT that is not confirmed in time', () => {
  it.each([
    ['in the log', { responseBytes: 0 }, true],
    ['not in the log', { requestBytes: 60 }, false],
  ])(
    'and is %s is 504 write_unconfirmed, to be sent again, and then written once',
    async (_, fault, isThere) => {
      const { a, b, producer, values } = await setUp({ timeoutMs: 1_000 })
      await producer.put(a, 0, { value: 'first' })
      proxy.meetAll(PRODUCE, fault)
      const before = performance.now()
      expect(await producer.put(a, 1, { value: 'second' })).toMatchObject({
        status: 504,
        json: { code: 'write_unconfirmed', retryable: true, outcome: 'unknown' },
      })
      expect(performance.now() - before).toBeLessThan(3_000)
      proxy.forget()
      expect(await values()).toEqual(isThere ? ['first', 'second'] : ['first'])
      for (const at of [b, a]) {
        expect(await producer.put(at, 1, { value: 'second' })).toMatchObject({ json: { offset: 1 } })
      }
      expect(await values()).toEqual(['first', 'second'])
    },
  )

  it('because Kafka is not to be reached is to be sent again, and never said to be not_written', async () => {
    const { a, b, producer, values } = await setUp({ timeoutMs: 1_000 })
    await producer.put(a, 0, { value: 'first' })
    proxy.target = undefined
    proxy.cut()
    for (const at of [a, b, a]) {
      const { status, json } = await producer.put(at, 0, { value: 'first' })
      expect([503, 504]).toContain(status)
      expect(json).toMatchObject({ retryable: true })
      expect(json).not.toMatchObject({ outcome: 'not_written' })
    }
    proxy.target = Number(kafka.bootstrap.split(':')[1])
    expect(await putUntilAnswered(producer, () => b, 0, { value: 'first' })).toMatchObject({ status: 200 })
    expect(await values()).toEqual(['first'])
  })

  it('may be sent again at the same gateway while the first is still under way', async () => {
    const { a, producer, values } = await setUp()
    await producer.put(a, 0, { value: 'first' })
    const held = proxy.meet(PRODUCE, { delayMs: 1_500 })
    const slow = producer.put(a, 1, { value: 'second' })
    await held
    const meanwhile = await producer.put(a, 1, { value: 'second' })
    expect(meanwhile).toMatchObject({ status: 200, json: { offset: 1, duplicate: true } })
    expect(await slow).toMatchObject({ json: { offset: 1 } })
    expect(await values()).toEqual(['first', 'second'])
  })
})

describe('a PUT whose client got no answer is written once when it is sent again elsewhere, after', () => {
  it('the connection to the client was cut', async () => {
    const { a, b, gateways, producer, values } = await setUp()
    await producer.put(a, 0, { value: 'first' })
    const cut = proxy.meet(PRODUCE, { delayMs: 300 })
    const body = JSON.stringify({ value: 'second' })
    const { hostname, port } = new URL(gateways[0].url)
    const client = connect(Number(port), hostname)
    client.write(
      `PUT ${producer.path(1)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    await cut
    client.destroy()
    expect(await producer.put(b, 1, { value: 'second' })).toMatchObject({ status: 200, json: { offset: 1 } })
    expect(await values()).toEqual(['first', 'second'])
  })

  it.each([
    ['before Kafka had it', { requestBytes: 40 }],
    ['after Kafka had it', { delayMs: 60_000 }],
  ])('its gateway was killed, %s', async (_, fault) => {
    const { b, env, producer, values } = await setUp()
    const victim = await startGatewayProcess(env)
    expect((await producer.put(http(victim), 0, { value: 'first' })).status).toBe(201)
    proxy.meetAll(PRODUCE, fault)
    const met = proxy.meet(PRODUCE, fault)
    const lost = producer.put(http(victim), 1, { value: 'second' })
    lost.catch(() => {})
    await met
    victim.process.signal('SIGKILL')
    await expect(lost).rejects.toThrow()
    proxy.forget()
    expect(await producer.put(b, 1, { value: 'second' })).toMatchObject({
      json: { offset: 1, nextSequence: 2 },
    })
    expect(await producer.put(b, 2, { value: 'third' })).toMatchObject({ status: 201, json: { offset: 2 } })
    expect(await values()).toEqual(['first', 'second', 'third'])
  })
})

describe.each(['CreateTime', 'LogAppendTime'])(
  'hundreds of PUTs, each at either replica and some repeated (%s)',
  (type) => {
    it('are each in the log once, in order, and every answer agrees, while connections to Kafka are cut', async () => {
      const { a, b, producer, values } = await setUp({ configs: { 'message.timestamp.type': type } })
      const any = () => (Math.random() < 0.5 ? a : b)
      const cutting = setInterval(() => proxy.cut(), 150)
      onTestFinished(() => clearInterval(cutting))
      const places: number[] = []
      const expected: string[] = []
      for (let sequence = 0; places.length < 100;) {
        const size = Math.random() < 0.3 ? 3 : 1
        const batch = Array.from({ length: size }, (_, i) => ({ value: `v${sequence + i}` }))
        const body = size === 1 ? batch[0]! : { records: batch }
        const tries = Math.random() < 0.4 ? 3 : 1
        const answers = []
        for (let n = 0; n < tries; n++) answers.push(await putUntilAnswered(producer, any, sequence, body))
        for (const { status, json } of answers) {
          expect([200, 201]).toContain(status)
          expect(json).toMatchObject({ offset: sequence, nextSequence: sequence + size })
        }
        for (const { json } of answers.slice(1)) expect(json).toMatchObject({ duplicate: true })
        places.push(sequence)
        expected.push(...batch.map(({ value }) => value))
        sequence += size
      }
      clearInterval(cutting)
      expect(await values()).toEqual(expected)
    })
  },
)

describe('PUTs to the only broker that has them', () => {
  it('are each in the log once when it is killed in the middle, and known again after every restart', async () => {
    const { a, b, producer, values } = await setUp({ timeoutMs: 2_000 })
    const body = (n: number) => ({ records: [{ value: `a${n}` }, { value: `b${n}` }] })
    for (let n = 0; n < 6; n++) await producer.put(a, 2 * n, body(n))
    await kafka.broker.kill9()
    const { status, json } = await producer.put(b, 12, body(6))
    expect([503, 504]).toContain(status)
    expect(json).toMatchObject({ retryable: true, outcome: 'unknown' })
    await kafka.broker.restart()
    const last = await putUntilAnswered(producer, (n) => (n % 2 ? a : b), 12, body(6))
    expect(last.json).toMatchObject({ offset: 12, nextSequence: 14 })
    // In order, so that Kafka keeps no more than each producer's last batch.
    await kafka.broker.restart()
    for (let n = 0; n < 7; n++) {
      const again = await putUntilAnswered(producer, () => (n % 2 ? a : b), 2 * n, body(n))
      expect(again).toMatchObject({ status: 200, json: { offset: 2 * n, duplicate: true } })
      const other = await producer.put(b, 2 * n, { value: `a${n}` })
      expect(other).toMatchObject({ json: { code: 'sequence_conflict' } })
    }
    expect(await values()).toHaveLength(14)
  }, 120_000)
})
