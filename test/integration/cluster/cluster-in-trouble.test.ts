import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { runDoctor } from '../../support/doctor.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'

let cluster: TemporaryCluster

beforeAll(async () => {
  cluster = await startTemporaryCluster(3)
})
afterAll(() => cluster.stop())

async function client(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

async function controllerOf(api: HttpClient): Promise<number> {
  const { json } = await api.get('/v1/cluster')
  return (json as { controller: number }).controller
}

interface Brokers {
  brokers: { broker: number; answering: boolean; fenced: boolean; controller: boolean }[]
  unanswered: number[]
}

async function brokersOf(api: HttpClient): Promise<Brokers> {
  const answer = await api.get('/v1/brokers')
  expect(answer.status).toBe(200)
  return answer.json as Brokers
}

/** A broker that is stopped for the time of a test, then started again and waited for. */
function revivedAfter(api: HttpClient, node: number): void {
  onTestFinished(async () => {
    await cluster.brokers[node - 1]!.restart()
    const isBack = async () =>
      (await brokersOf(api)).brokers.every(({ answering, fenced }) => answering && !fenced)
    await expect.poll(isBack, { timeout: 30_000 }).toBe(true)
  })
}

describe('a broker that is silent', () => {
  it('holds up neither the list of brokers nor that of log folders, which name it', async () => {
    const api = await client()
    await brokersOf(api)
    const node = ((await controllerOf(api)) % 3) + 1
    const broker = cluster.brokers[node - 1]!
    broker.pause()
    onTestFinished(() => broker.resume())
    const [list, dirs, own] = await Promise.all([
      brokersOf(api),
      api.get('/v1/log-dirs'),
      api.get(`/v1/brokers/${node}/log-dirs`),
    ])
    expect(list.unanswered).toEqual([node])
    expect(list.brokers.map(({ broker, answering }) => [broker, answering])).toEqual(
      [1, 2, 3].map((id) => [id, id !== node]),
    )
    expect(dirs).toMatchObject({ status: 200, json: { unanswered: [node] } })
    const told = (dirs.json as { logDirs: { broker: number }[] }).logDirs.map((dir) => dir.broker)
    expect(new Set(told)).toEqual(new Set([1, 2, 3].filter((id) => id !== node)))
    expect(own.json).toMatchObject({
      code: 'broker_unavailable',
      detail: expect.stringContaining(String(node)),
    })
    const change = { configs: { 'log.cleaner.backoff.ms': 15001 } }
    const refused = await api.patch(`/v1/brokers/${node}/configs`, change)
    expect(refused.json).toMatchObject({ code: 'broker_unavailable', retryable: true })
    broker.resume()
    await expect.poll(async () => (await brokersOf(api)).unanswered, { timeout: 30_000 }).toEqual([])
    await expect
      .poll(async () => (await brokersOf(api)).brokers.some(({ fenced }) => fenced), { timeout: 30_000 })
      .toBe(false)
  })
})

describe('a broker that is stopped', () => {
  it('is shown as fenced, gets no replicas, and leads nothing', async () => {
    const api = await client()
    const topic = await makeTopic({ partitions: 3, replicationFactor: 3 }, cluster.bootstrap)
    const node = ((await controllerOf(api)) % 3) + 1
    await cluster.brokers[node - 1]!.kill9()
    revivedAfter(api, node)
    const fenced = async () =>
      (await brokersOf(api)).brokers.filter((b) => b.fenced).map(({ broker }) => broker)
    await expect.poll(fenced, { timeout: 30_000 }).toEqual([node])
    expect(
      await kafkaTool('kafka-cluster', ['list-endpoints', '--include-fenced-brokers'], cluster.bootstrap),
    ).toMatch(new RegExp(`^${node}\\s.*\\sfenced`, 'm'))
    const configs = await api.get(`/v1/brokers/${node}/configs`)
    expect(configs.json).toMatchObject({ code: 'broker_unavailable' })
    const assignments = [{ topic, partition: 0, replicas: [node] }]
    const explicit = await api.post('/v1/reassignments', { assignments })
    expect(explicit.json).toMatchObject({
      code: 'invalid_assignment',
      errors: [{ pointer: '/assignments/0/replicas/0', reason: `broker ${node} is out of service` }],
    })
    const planned = await api.post('/v1/reassignments', {
      topics: [topic],
      replicationFactor: 2,
      dryRun: true,
    })
    const results = (planned.json as { results: { to: number[] }[] }).results
    expect(results.flatMap(({ to }) => to)).toHaveLength(6)
    expect(results.flatMap(({ to }) => to)).not.toContain(node)
    const many = await api.post('/v1/reassignments', { topics: [topic], dryRun: true })
    expect(many.json).toMatchObject({ code: 'invalid_assignment', errors: [{ pointer: '/brokers' }] })
    // Each partition prefers another of the three: one of them cannot have its way.
    const { json } = await api.post('/v1/elections', { topics: [topic] })
    const elected = json as { results: { leader: number; error?: { code: string } }[] }
    const failed = elected.results.filter(({ error }) => error !== undefined)
    expect(failed).toMatchObject([{ error: { code: 'leader_unavailable' } }])
    expect(failed[0]!.leader).not.toBe(node)

    const { code, of } = await runDoctor({ KAFKA_BROKERS: cluster.bootstrap })
    expect(code).toBe(1)
    expect(of('bootstrap').map(({ status }) => status === 'ok')).toEqual([1, 2, 3].map((id) => id !== node))
    expect(of('brokers')).toMatchObject([
      { status: 'problem', seen: `3 brokers, of which ${node} is out of service` },
    ])
    expect(of('versions')).toMatchObject([{ status: 'ok' }])
    expect(of('partitions')).toMatchObject([
      { status: 'warning', seen: expect.stringContaining('replicas that are not in sync') },
    ])
  })
})

describe('a partition whose only replica in sync is gone', () => {
  it('has a leader again by an unclean election alone, which loses what the new one lacks', async () => {
    const api = await client()
    const topic = uniqueName()
    const [leader, follower] = [1, 2]
    const place = ['--create', '--topic', topic, '--replica-assignment', `${leader}:${follower}`]
    await kafkaTool('kafka-topics', place, cluster.bootstrap)
    const partition = async () => {
      const { json } = await api.get(`/v1/topics/${topic}`)
      return (json as { partitions: { leader: number | null; isr: number[]; latestOffset: number }[] })
        .partitions[0]!
    }
    await cluster.brokers[follower - 1]!.kill9()
    await expect.poll(partition, { timeout: 30_000 }).toMatchObject({ isr: [leader] })
    const written = await api.post(`/v1/topics/${topic}/records`, { records: [{ value: 'lost' }] })
    expect(written.status).toBe(200)
    await cluster.brokers[leader - 1]!.kill9()
    revivedAfter(api, leader)
    await cluster.brokers[follower - 1]!.restart()
    const read = async () => (await partition().catch(() => undefined))?.leader
    await expect.poll(read, { timeout: 60_000 }).toBe(null)
    const preferred = await api.post('/v1/elections', { topics: [topic] })
    expect(preferred.json).toMatchObject({ code: 'leader_unavailable', results: [{ leader: null }] })
    const body = { type: 'unclean', partitions: [{ topic, partition: 0 }] }
    const dry = await api.post('/v1/elections', { ...body, dryRun: true })
    expect(dry.json).toMatchObject({ results: [{ leaderBefore: null, leader: follower }] })
    const unclean = await api.post('/v1/elections', body)
    expect(unclean.json).toMatchObject({ results: [{ leaderBefore: null, leader: follower }], dryRun: false })
    await expect.poll(partition).toMatchObject({ leader: follower, latestOffset: 0 })
  })
})

describe('a controller that is killed in the middle of a reassignment', () => {
  it('leaves it begun or not: the same request again does the rest, once', async () => {
    const api = await client()
    const topic = await makeTopic({ partitions: 12, replicationFactor: 1 }, cluster.bootstrap)
    const controller = await controllerOf(api)
    const [first, second] = [1, 2, 3].filter((id) => id !== controller) as [number, number]
    const place = (replicas: number[]) => ({
      assignments: Array.from({ length: 12 }, (_, partition) => ({ topic, partition, replicas })),
    })
    const replicas = async () => {
      const { json } = await api.get(`/v1/topics/${topic}`)
      return (json as { partitions: { replicas: number[] }[] }).partitions.map((p) => p.replicas)
    }
    // Away from the controller, whose replicas would be gone with it.
    await api.post('/v1/reassignments', place([first]))
    await expect.poll(replicas, { timeout: 20_000 }).toEqual(Array.from({ length: 12 }, () => [first]))
    const settled = async () => (await api.get('/v1/reassignments')).json
    await expect.poll(settled, { timeout: 20_000 }).toMatchObject({ reassignments: [] })

    const answers: { status: number; json: unknown }[] = []
    const asked = api.post('/v1/reassignments', place([second, first]))
    await cluster.brokers[controller - 1]!.kill9()
    revivedAfter(api, controller)
    answers.push(await asked)
    const isTaken = async () => {
      if (answers.at(-1)!.status !== 503) return true
      answers.push(await api.post('/v1/reassignments', place([second, first])))
      return answers.at(-1)!.status !== 503
    }
    await expect.poll(isTaken, { timeout: 60_000 }).toBe(true)
    for (const { status, json } of answers.slice(0, -1))
      expect([status, json]).toMatchObject([503, { retryable: true }])
    const last = answers.at(-1)!
    expect([200, 202]).toContain(last.status)
    expect(
      (last.json as { results: { error?: unknown }[] }).results.every(({ error }) => error === undefined),
    ).toBe(true)
    await expect
      .poll(replicas, { timeout: 30_000 })
      .toEqual(Array.from({ length: 12 }, () => [second, first]))
    await expect.poll(settled, { timeout: 30_000 }).toMatchObject({ reassignments: [] })
    expect(await kafkaTool('kafka-reassign-partitions', ['--list'], cluster.bootstrap)).toContain(
      'No partition reassignments found',
    )
    expect(await controllerOf(api)).not.toBe(controller)
  })
})
