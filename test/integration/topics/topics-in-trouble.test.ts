import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'

const CREATE_TOPICS = 19
const DELETE_TOPICS = 20

/** Each operation on topics, once. */
function everyOperation(client: HttpClient) {
  return Promise.all([
    client.get('/v1/topics'),
    client.post('/v1/topics', { name: 'any' }),
    client.post('/v1/topics', { name: 'any', validateOnly: true }),
    client.get('/v1/topics/any'),
    client.delete('/v1/topics/any'),
  ])
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

/**
 * A proxy to a broker, which the broker advertises as its own address. Once `lose(key)` is called, the next answer to a
 * request of that API is lost: Kafka gets the request, the connection is cut before the answer.
 */
async function brokerBehindProxy() {
  let target = 0
  let losing: number | undefined
  let lost = 0
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    let cutting = false
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => [client, upstream].forEach((s) => s.destroy()))
    }
    client.on('data', (request) => {
      // A request starts with its length and API key; the client sends each in one write.
      cutting ||= losing !== undefined && request.length > 6 && request.readInt16BE(4) === losing
      upstream.write(request)
    })
    upstream.on('data', (answer) => {
      if (!cutting) return void client.write(answer)
      lost++
      losing = undefined
      client.destroy()
    })
  })
  const port = await listening(proxy)
  const kafka = await startTemporaryBroker({
    configs: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}` },
  })
  target = Number(kafka.bootstrap.split(':')[1])
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await kafka.stop()
  })
  return {
    bootstrap: `127.0.0.1:${port}`,
    lose(apiKey: number) {
      losing = apiKey
    },
    lost: () => lost,
  }
}

describe('the topic operations', () => {
  it('503 with kafka_unavailable at once where no broker can be reached', async () => {
    const client = http(await startTestGateway({ KAFKA_BROKERS: '127.0.0.1:1' }))
    const started = performance.now()
    for (const answer of await everyOperation(client)) {
      expect(answer.status).toBe(503)
      expect(answer.json).toMatchObject({ code: 'kafka_unavailable', retryable: true })
    }
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('503 within their ten seconds where a broker takes connections and never answers', async () => {
    const held = new Set<Socket>()
    const port = await listening(createServer((socket) => held.add(socket.on('error', () => {}))))
    onTestFinished(() => held.forEach((socket) => socket.destroy()))
    const client = http(await startTestGateway({ KAFKA_BROKERS: `127.0.0.1:${port}` }))
    const started = performance.now()
    for (const answer of await everyOperation(client)) expect(answer.status).toBe(503)
    expect(performance.now() - started).toBeLessThan(11_000)
  })

  it('201 and 204 where the change was made but its answer was lost', async () => {
    const kafka = await brokerBehindProxy()
    const client = http(await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap }))
    kafka.lose(CREATE_TOPICS)
    const made = await client.post('/v1/topics', { name: 'made', partitions: 2, retention: '90s' })
    expect(kafka.lost()).toBe(1)
    expect(made.status).toBe(201)
    expect(made.json).toMatchObject({ partitions: [{ partition: 0 }, { partition: 1 }] })
    expect((made.json as { configs: object[] }).configs).toContainEqual(
      expect.objectContaining({ name: 'retention.ms', value: '90000' }),
    )
    kafka.lose(CREATE_TOPICS)
    expect((await client.post('/v1/topics', { name: 'made' })).status).toBe(409)
    kafka.lose(DELETE_TOPICS)
    expect((await client.delete('/v1/topics/made')).status).toBe(204)
    expect(kafka.lost()).toBe(3)
    expect((await client.get('/v1/topics/made')).status).toBe(404)
  })

  it(
    'show null for the leader and offsets of a partition whose only broker died',
    { timeout: 120_000 },
    async () => {
      const kafka = await startTemporaryCluster(3)
      onTestFinished(() => kafka.stop())
      const client = http(await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap }))
      const made = await client.post('/v1/topics', { name: 'single', partitions: 6, replicationFactor: 1 })
      expect(made.status).toBe(201)
      expect(
        (await client.post('/v1/topics', { name: 'whole', partitions: 3, replicationFactor: 3 })).status,
      ).toBe(201)
      type Partitions = {
        partition: number
        leader: number | null
        latestOffset: number | null
        isr: number[]
      }[]
      const partitionsOf = async (topic: string) =>
        ((await client.get(`/v1/topics/${topic}`)).json as { partitions: Partitions }).partitions
      const orphans = (await partitionsOf('single'))
        .filter(({ leader }) => leader === 3)
        .map((p) => p.partition)
      expect(orphans).not.toEqual([])
      await kafka.brokers[2]!.kill9()
      // The controller notices after its session timeout; until then a describe waits for the leader that is gone.
      await expect
        .poll(async () => (await partitionsOf('whole')).every((p) => p.leader !== 3), { timeout: 60_000 })
        .toBe(true)
      for (const { partition, leader, latestOffset } of await partitionsOf('single')) {
        const orphaned = orphans.includes(partition)
        expect({ partition, leader: leader === null, latestOffset }).toEqual({
          partition,
          leader: orphaned,
          latestOffset: orphaned ? null : 0,
        })
      }
    },
  )
})
