import { connect, createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { KafkaProxy } from '../../../dev/kafka/kafka-proxy.ts'

const CREATE_TOPICS = 19
const DELETE_TOPICS = 20

/** Each operation on topics, once. */
function everyOperation(client: HttpClient) {
  return Promise.all([
    client.get('/v1/topics'),
    client.post('/v1/topics', { name: 'any' }),
    client.post('/v1/topics', { name: 'any', validateOnly: true }),
    client.get('/v1/topics/any'),
    client.patch('/v1/topics/any', { retention: '1d' }),
    client.delete('/v1/topics/any/records?before=latest'),
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

const ALTER_CONFIGS = 44
const CREATE_PARTITIONS = 37
const DELETE_RECORDS = 21

/** A topic with ten records, behind a proxy. */
async function topicBehindProxy() {
  const proxy = await KafkaProxy.start()
  const kafka = await startTemporaryBroker({
    configs: { 'advertised.listeners': `PLAINTEXT://127.0.0.1:${proxy.port}` },
  })
  proxy.target = Number(kafka.bootstrap.split(':')[1])
  onTestFinished(async () => {
    await kafka.stop()
    await proxy.close()
  })
  const client = http(await startTestGateway({ KAFKA_BROKERS: `127.0.0.1:${proxy.port}` }))
  expect((await client.post('/v1/topics', { name: 't' })).status).toBe(201)
  const records = Array.from({ length: 10 }, (_, value) => ({ value }))
  expect((await client.post('/v1/topics/t/records', { records })).status).toBe(200)
  return { proxy, client, bootstrap: kafka.bootstrap }
}

it(
  'PATCH and truncation say exactly what was done where answers are lost, or come too late',
  { timeout: 90_000 },
  async () => {
    const { proxy, client } = await topicBehindProxy()
    const patch = (body: object) => client.patch('/v1/topics/t', body)
    // Made, but the answer is lost: the second try finds it so.
    for (const api of [ALTER_CONFIGS, CREATE_PARTITIONS]) void proxy.meet(api, { responseBytes: 0 })
    const made = await patch({ retention: '1d' })
    expect(made.status).toBe(200)
    const more = await patch({ partitions: 2 })
    expect((more.json as { partitions: object[] }).partitions).toHaveLength(2)
    void proxy.meet(DELETE_RECORDS, { responseBytes: 0 })
    const truncated = await client.delete('/v1/topics/t/records?before=3&partition=0')
    expect(truncated.json).toMatchObject({ partitions: [{ newEarliestOffset: 3, records: 3 }] })
    // Another writer is faster, between the two calls.
    void proxy.meet(ALTER_CONFIGS, {})
    const configsMade = proxy.meet(ALTER_CONFIGS, { delayMs: 2_000 })
    const overtaken = patch({ retention: '2d', partitions: 3 })
    await configsMade
    expect((await patch({ partitions: 4 })).status).toBe(200)
    expect((await overtaken).json).toMatchObject({
      status: 422,
      code: 'invalid_topic_config',
      errors: [{ pointer: '/partitions' }],
      changed: { configs: 'made', partitions: 'not_made' },
    })
    // Validated, and never answered after that. Of the truncation, the log itself tells.
    void proxy.meet(CREATE_PARTITIONS, {})
    proxy.meetAll(CREATE_PARTITIONS, { swallow: true })
    const silent = await patch({ retention: '3d', partitions: 5 })
    expect(silent.json).toMatchObject({
      status: 503,
      code: 'kafka_unavailable',
      changed: { configs: 'made', partitions: 'unknown' },
    })
    proxy.meetAll(DELETE_RECORDS, { swallow: true })
    const told = await client.delete('/v1/topics/t/records?before=7&partition=0')
    expect(told.json).toMatchObject({ partitions: [{ newEarliestOffset: 7, records: 4 }] })
    proxy.forget()
    const again = await patch({ retention: '3d', partitions: 5 })
    expect((again.json as { partitions: object[] }).partitions).toHaveLength(5)
  },
)

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
    'say of every change under way what was made of it when the controller dies, and which partitions went with it',
    { timeout: 180_000 },
    async () => {
      const kafka = await startTemporaryCluster(3)
      onTestFinished(() => kafka.stop())
      const client = http(await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap }))
      const make = async (name: string, partitions: number, replicationFactor: number) => {
        const { status } = await client.post('/v1/topics', { name, partitions, replicationFactor })
        expect(status).toBe(201)
      }
      const changing = Array.from({ length: 12 }, (_, n) => `changing-${n}`)
      await make('single', 6, 1)
      await make('whole', 3, 3)
      for (const name of changing) await make(name, 1, 3)
      const before = await partitionsOf(client, 'single')
      const { json } = await client.get('/v1/cluster')
      const victim = (json as { controller: number }).controller
      const orphans = before.filter(({ leader }) => leader === victim).map(({ partition }) => partition)
      expect(orphans).not.toEqual([])

      const patch = (name: string) => client.patch(`/v1/topics/${name}`, { partitions: 3, retention: '1d' })
      const patches = changing.map(patch)
      await Promise.any(patches)
      await kafka.brokers[victim - 1]!.kill9()
      for (const [n, answer] of (await Promise.all(patches)).entries()) {
        const made = await madeOf(client, changing[n]!)
        const { changed = { configs: 'not_made', partitions: 'not_made' } } = answer.json as {
          changed?: Made
        }
        const said: Made = answer.status === 200 ? { configs: 'made', partitions: 'made' } : changed
        for (const part of ['configs', 'partitions'] as const) {
          if (said[part] !== 'unknown') expect({ [part]: made[part] }).toEqual({ [part]: said[part] })
        }
        // Whatever was said, the same request again ends it.
        await expect.poll(async () => (await patch(changing[n]!)).status, { timeout: 30_000 }).toBe(200)
        expect(await madeOf(client, changing[n]!)).toEqual({ configs: 'made', partitions: 'made' })
      }

      // The new controller notices the broker's death after its session timeout.
      await expect
        .poll(async () => (await partitionsOf(client, 'whole')).every((p) => p.leader !== victim), {
          timeout: 60_000,
        })
        .toBe(true)
      for (const p of await partitionsOf(client, 'single')) {
        const isOrphan = orphans.includes(p.partition)
        expect(p).toMatchObject(
          isOrphan
            ? { leader: null, offline: true, latestOffset: null, sizeBytes: null, offlineReplicas: [victim] }
            : { offline: false, latestOffset: 0, sizeBytes: 0, offlineReplicas: [], underReplicated: false },
        )
      }
      for (const p of await partitionsOf(client, 'whole')) {
        expect(p).toMatchObject({ underReplicated: true, offline: false, offlineReplicas: [victim] })
      }
      const listed = await client.get('/v1/topics?underReplicated=true&prefix=whole')
      expect(listed.json).toMatchObject({ topics: [{ name: 'whole', underReplicated: 3 }] })

      // A partition that nobody leads keeps the topic from being truncated, but not from being changed.
      const records = before.map(({ partition }) => ({ partition, value: 1 }))
      const alive = records.filter(({ partition }) => !orphans.includes(partition))
      expect((await client.post('/v1/topics/single/records', { records: alive })).status).toBe(200)
      const refused = await client.delete('/v1/topics/single/records?before=latest')
      expect(refused.json).toMatchObject({ status: 503, code: 'kafka_unavailable' })
      const only = alive[0]!.partition
      const one = await client.delete(`/v1/topics/single/records?before=latest&partition=${only}`)
      expect(one.json).toMatchObject({ partitions: [{ partition: only, newEarliestOffset: 1 }] })
      const kept = (await partitionsOf(client, 'single')).filter((p) => p.earliestOffset === 0)
      expect(kept).toHaveLength(alive.length - 1)
      expect((await client.patch('/v1/topics/single', { retention: '1d' })).status).toBe(200)
    },
  )
})

interface Partition {
  partition: number
  leader: number | null
  earliestOffset: number | null
}

/** What became of each part of a change. */
type Made = Record<'configs' | 'partitions', string>

async function partitionsOf(client: HttpClient, topic: string): Promise<Partition[]> {
  return ((await client.get(`/v1/topics/${topic}`)).json as { partitions: Partition[] }).partitions
}

async function madeOf(client: HttpClient, topic: string): Promise<Made> {
  const { json } = await client.get(`/v1/topics/${topic}`)
  const { partitions, configs } = json as {
    partitions: object[]
    configs: { name: string; source: string }[]
  }
  const isSet = configs.some(({ name, source }) => name === 'retention.ms' && source === 'topic')
  const word = (made: boolean) => (made ? 'made' : 'not_made')
  return { configs: word(isSet), partitions: word(partitions.length === 3) }
}
