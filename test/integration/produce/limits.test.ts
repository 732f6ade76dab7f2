import { once } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { type RawAnswer, RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'
import { silentKafka } from '../../support/silent-kafka.ts'

const octets = { headers: { 'content-type': 'application/octet-stream' } }
const MIB = 1_048_576
const buffers = (bytes: number, topicBytes = bytes) => ({
  SLUICE_PRODUCE_BUFFER_BYTES: String(bytes),
  SLUICE_PRODUCE_BUFFER_TOPIC_BYTES: String(topicBytes),
})

/** The head of a produce whose body never comes. */
function announce(gateway: { url: string }, topic: string, bytes: number): RawConnection {
  const length = `Content-Length: ${bytes}`
  return new RawConnection(gateway).sendHead(
    `POST /v1/topics/${topic}/records HTTP/1.1`,
    length,
    'Content-Type: a/b',
  )
}

/** A produce whose whole body has gone out. */
async function sent(gateway: { url: string }, topic: string, bytes: number): Promise<RawConnection> {
  const connection = announce(gateway, topic, bytes)
  await new Promise((resolve) => connection.socket.write(Buffer.alloc(bytes), resolve))
  return connection
}

/** Waits until a produce of so many bytes is refused; one that is let in is withdrawn. Gives back the refusal. */
async function refusal(gateway: { url: string }, topic: string, bytes: number): Promise<RawAnswer> {
  for (;;) {
    const connection = announce(gateway, topic, bytes)
    const letIn = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 100))
    const answer = await Promise.race([connection.answer().catch(() => undefined), letIn])
    if (answer !== undefined) return answer
    connection.socket.destroy()
    await connection.closed()
  }
}

describe('produce past SLUICE_PRODUCE_BUFFER_BYTES', () => {
  it('is 503 overloaded with Retry-After before the body is read, until what is held has its outcome', async () => {
    const env = { KAFKA_BROKERS: await silentKafka(), SLUICE_PRODUCE_TIMEOUT_MS: '1500', ...buffers(MIB) }
    const gateway = await startTestGateway(env)
    const client = http(gateway)
    const stuck = await sent(gateway, 't', 900_000)
    const answer = await refusal(gateway, 't', 500_000)
    expect(answer.status).toBe(503)
    expect(answer.json).toMatchObject({ code: 'overloaded', outcome: 'not_written', retryable: true })
    expect(answer.headers['retry-after']).toBe('1')
    expect((await client.get('/healthz')).status).toBe(200)
    expect((await stuck.answer()).json).toMatchObject({ code: 'kafka_unavailable', outcome: 'not_written' })
    // There is room again: this one is read, and waits for Kafka.
    const next = await client.post('/v1/topics/t/records', Buffer.alloc(500_000), octets)
    expect(next.json).toMatchObject({ code: 'kafka_unavailable' })
  })

  it('counts what comes in chunks as it comes', async () => {
    const env = { KAFKA_BROKERS: await silentKafka(), SLUICE_PRODUCE_TIMEOUT_MS: '1500', ...buffers(MIB) }
    const gateway = await startTestGateway(env)
    await sent(gateway, 't', 900_000)
    expect((await refusal(gateway, 't', 500_000)).status).toBe(503)
    const chunked = new RawConnection(gateway)
    chunked.sendHead('POST /v1/topics/t/records HTTP/1.1', 'Content-Type: a/b', 'Transfer-Encoding: chunked')
    chunked.send(`7a120\r\n${'x'.repeat(500_000)}\r\n`)
    expect(await chunked.answer()).toMatchObject({ status: 503, json: { code: 'overloaded' } })
  })

  it('leaves room for other topics where one has taken its share', async () => {
    const env = {
      KAFKA_BROKERS: await silentKafka(),
      SLUICE_PRODUCE_TIMEOUT_MS: '1500',
      ...buffers(4 * MIB, MIB),
    }
    const gateway = await startTestGateway(env)
    const client = http(gateway)
    await sent(gateway, 'one', 900_000)
    expect((await refusal(gateway, 'one', 500_000)).status).toBe(503)
    const other = await client.post('/v1/topics/another/records', Buffer.alloc(500_000), octets)
    expect(other.json).toMatchObject({ code: 'kafka_unavailable' })
  })

  it('counts what many small records cost beside their bytes', async () => {
    const env = { KAFKA_BROKERS: await silentKafka(), SLUICE_PRODUCE_TIMEOUT_MS: '1500', ...buffers(MIB) }
    const gateway = await startTestGateway(env)
    const client = http(gateway)
    const small = new RawConnection(gateway)
    const body = `{"records":[${Array(3_000).fill('{"value":1}').join(',')}]}`
    const type = 'Content-Type: application/json'
    small.sendHead('POST /v1/topics/t/records HTTP/1.1', type, `Content-Length: ${body.length}`)
    await new Promise((resolve) => small.socket.write(body, resolve))
    expect((await refusal(gateway, 't', 300_000)).status).toBe(503)
    expect((await client.get('/healthz')).status).toBe(200)
  })
})

describe('a client that goes away', () => {
  it('before its body is whole leaves nothing in the topic and nothing in the buffer', async () => {
    const gateway = await startTestGateway(buffers(MIB))
    const topic = await makeTopic()
    for (let i = 0; i < 3; i++) {
      const connection = announce(gateway, topic, 700_000).send('x'.repeat(300_000))
      // The next one is refused: what this one has announced is counted.
      expect((await refusal(gateway, topic, 700_000)).status).toBe(503)
      connection.socket.destroy()
      await vi.waitFor(async () => {
        const answer = await http(gateway).post(
          `/v1/topics/${topic}/records?key=${i}`,
          Buffer.alloc(700_000),
          octets,
        )
        expect(answer.status).toBe(200)
      })
    }
    expect((await readAll(topic)).map((r) => String(r.key))).toEqual(['0', '1', '2'])
  })

  it('before its answer comes has its record written once', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const bodies = Array.from({ length: 30 }, (_, i) => `v${i}`)
    await Promise.all(
      bodies.map(async (body) => {
        const connection = announce(gateway, topic, body.length).send(body)
        await once(connection.socket, 'connect')
        connection.socket.end()
        await connection.closed()
      }),
    )
    expect((await http(gateway).post(`/v1/topics/${topic}/records`, 'last', octets)).status).toBe(200)
    const values = (await readAll(topic)).map((r) => String(r.value))
    expect(new Set(values).size).toBe(values.length)
    expect(values.filter((value) => value !== 'last').every((value) => bodies.includes(value))).toBe(true)
  })
})
