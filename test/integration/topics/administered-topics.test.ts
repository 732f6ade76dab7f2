import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { removeTopic, uniqueName } from '../../support/kafka.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const cluster = useAdminCluster()

interface Partition {
  partition: number
  leader: number
  replicas: number[]
  isr: number[]
  earliestOffset: number
  latestOffset: number
  sizeBytes: number
}

async function started(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

function tool(...[name, ...args]: [Parameters<typeof kafkaTool>[0], ...string[]]): Promise<string> {
  return kafkaTool(name, args, cluster.bootstrap)
}

function topicName(): string {
  const topic = uniqueName()
  onTestFinished(() => removeTopic(topic, cluster.bootstrap))
  return topic
}

/** What `kafka-topics --describe` says of each partition. */
async function described(
  topic: string,
): Promise<Pick<Partition, 'partition' | 'leader' | 'replicas' | 'isr'>[]> {
  const text = await tool('kafka-topics', '--describe', '--topic', topic)
  const line = /Partition: (\d+)\s+Leader: (\d+)\s+Replicas: ([\d,]+)\s+Isr: ([\d,]+)/g
  const ids = (list: string) => list.split(',').map(Number)
  return [...text.matchAll(line)].map(([, partition, leader, replicas, isr]) => ({
    partition: Number(partition),
    leader: Number(leader),
    replicas: ids(replicas!),
    isr: ids(isr!).sort(),
  }))
}

/** The configs set on a topic, as `kafka-configs --describe` says them. */
async function configs(topic: string): Promise<Record<string, string>> {
  const text = await tool('kafka-configs', '--describe', '--entity-type', 'topics', '--entity-name', topic)
  return Object.fromEntries([...text.matchAll(/^ {2}([\w.]+)=(.*?) sensitive=/gm)].map((m) => [m[1]!, m[2]!]))
}

async function partitionsOf(client: HttpClient, topic: string): Promise<Partition[]> {
  const { json } = await client.get(`/v1/topics/${topic}`)
  return (json as { partitions: Partition[] }).partitions
}

describe("the topics of three brokers, and Kafka's own tools", () => {
  it('places replicas as they were assigned, as kafka-topics shows, and refuses what cannot be', async () => {
    const client = await started()
    const name = topicName()
    const assignments = [
      [3, 1],
      [2, 3],
      [1, 2],
    ]
    const plan = await client.post('/v1/topics', { name, assignments, validateOnly: true })
    expect(plan.json).toMatchObject({ partitions: 3, replicationFactor: 2 })
    expect(await tool('kafka-topics', '--list')).not.toContain(name)
    const made = await client.post('/v1/topics', { name, assignments, retention: '1d' })
    expect(made.status).toBe(201)
    const shown = await described(name)
    expect(shown.map(({ replicas }) => replicas)).toEqual(assignments)
    expect(shown.map(({ leader }) => leader)).toEqual([3, 2, 1])
    const of = (bad: unknown, more = {}) =>
      client.post('/v1/topics', { name: uniqueName(), assignments: bad, validateOnly: true, ...more })
    const cases: [unknown, string, string, object?][] = [
      [
        [
          [1, 2],
          [1, 9],
        ],
        'invalid_topic_config',
        '/assignments/1/1',
      ],
      [[[1, 1]], 'invalid_request', '/assignments/0/1'],
      [[[1, 2], [3]], 'invalid_request', '/assignments/1'],
      [[[]], 'invalid_request', '/assignments/0'],
      [[], 'invalid_request', '/assignments'],
      [[[-1]], 'invalid_request', '/assignments/0/0'],
      [[[1]], 'invalid_request', '/partitions', { partitions: 1 }],
      [[[1]], 'invalid_request', '/replicationFactor', { replicationFactor: 1 }],
    ]
    for (const [bad, code, pointer, more] of cases) {
      const answer = await of(bad, more)
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({ code, errors: [{ pointer }] })
    }
  })

  it('has kafka-topics and kafka-configs show what it changed, and shows what they changed', async () => {
    const client = await started()
    const topic = topicName()
    await tool('kafka-topics', '--create', '--topic', topic, '--partitions', '2', '--replication-factor', '3')
    const shown = (await partitionsOf(client, topic)).map(({ partition, leader, replicas, isr }) => {
      return { partition, leader, replicas, isr: isr.sort() }
    })
    expect(shown).toEqual(await described(topic))
    const patched = await client.patch(`/v1/topics/${topic}`, {
      partitions: 5,
      retention: '2d',
      configs: { 'min.insync.replicas': 2 },
      append: { 'leader.replication.throttled.replicas': ['0:1', '1:2'] },
    })
    expect(patched.status).toBe(200)
    expect(await described(topic)).toHaveLength(5)
    const set = {
      'retention.ms': '172800000',
      'min.insync.replicas': '2',
      'leader.replication.throttled.replicas': '0:1,1:2',
    }
    expect(await configs(topic)).toEqual(set)
    const change = ['--entity-type', 'topics', '--entity-name', topic, '--alter']
    const given = ['--add-config', 'segment.ms=7000', '--delete-config', 'min.insync.replicas']
    await tool('kafka-configs', ...change, ...given)
    await tool('kafka-topics', '--alter', '--topic', topic, '--partitions', '6')
    const own = async () => {
      const { json } = await client.get(`/v1/topics/${topic}`)
      const { configs, partitions } = json as {
        configs: { name: string; value: string; source: string }[]
        partitions: object[]
      }
      const list = configs.filter(({ source }) => source === 'topic').map(({ name, value }) => [name, value])
      return { configs: Object.fromEntries(list) as Record<string, string>, partitions: partitions.length }
    }
    const { 'min.insync.replicas': _deleted, ...kept } = set
    await expect.poll(own).toEqual({ configs: { ...kept, 'segment.ms': '7000' }, partitions: 6 })
    // An old tag does not overwrite what the tool changed.
    const stale = { headers: { 'if-match': patched.headers.get('etag')! } }
    expect((await client.patch(`/v1/topics/${topic}`, { retention: null }, stale)).status).toBe(412)
    const item = { 'leader.replication.throttled.replicas': ['0:1'] }
    expect((await client.patch(`/v1/topics/${topic}`, { retention: null, subtract: item })).status).toBe(200)
    expect(await configs(topic)).toEqual({
      'segment.ms': '7000',
      'leader.replication.throttled.replicas': '1:2',
    })
  })

  it('truncates as kafka-get-offsets shows, and shows what kafka-delete-records truncated', async () => {
    const client = await started()
    const topic = topicName()
    const assignments = [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]
    await client.post('/v1/topics', { name: topic, assignments })
    const records = Array.from({ length: 30 }, (_, n) => ({ partition: n % 3, value: n }))
    expect((await client.post(`/v1/topics/${topic}/records`, { records })).status).toBe(200)
    const offsets = async (time: 'earliest' | 'latest') => {
      const text = await tool('kafka-get-offsets', '--topic', topic, '--time', time)
      return text
        .trim()
        .split('\n')
        .map((line) => Number(line.split(':')[2]))
    }
    expect(await offsets('latest')).toEqual([10, 10, 10])
    expect((await client.delete(`/v1/topics/${topic}/records?before=4`)).status).toBe(200)
    expect(await offsets('earliest')).toEqual([4, 4, 4])
    const file = join(temporaryDir(), 'offsets.json')
    const partitions = [{ topic, partition: 1, offset: 8 }]
    writeFileSync(file, JSON.stringify({ partitions, version: 1 }))
    await tool('kafka-delete-records', '--offset-json-file', file)
    const bounds = (await partitionsOf(client, topic)).map((p) => [p.earliestOffset, p.latestOffset])
    expect(bounds).toEqual([
      [4, 10],
      [8, 10],
      [4, 10],
    ])
    const dry = await client.delete(`/v1/topics/${topic}/records?before=latest&dryRun=true`)
    expect((dry.json as { partitions: { records: number }[] }).partitions.map(({ records: n }) => n)).toEqual(
      [6, 2, 6],
    )
  })

  it('tells the bytes on the disks of the leaders as kafka-log-dirs does', async () => {
    const client = await started()
    const topic = topicName()
    await client.post('/v1/topics', {
      name: topic,
      assignments: [
        [1, 2],
        [2, 3],
        [3, 1],
      ],
    })
    for (const partition of [0, 1, 2]) {
      const records = Array.from({ length: 10 * (partition + 1) }, (_, n) => ({
        partition,
        value: 'x'.repeat(n),
      }))
      expect((await client.post(`/v1/topics/${topic}/records`, { records })).status).toBe(200)
    }
    const text = await tool('kafka-log-dirs', '--describe', '--topic-list', topic)
    const { brokers } = JSON.parse(text.slice(text.indexOf('{'))) as {
      brokers: { broker: number; logDirs: { partitions: { partition: string; size: number }[] }[] }[]
    }
    const sizeAt = (leader: number, partition: number) =>
      brokers
        .find(({ broker }) => broker === leader)!
        .logDirs.flatMap((dir) => dir.partitions)
        .find((replica) => replica.partition === `${topic}-${partition}`)!.size
    const partitions = await partitionsOf(client, topic)
    const sizes = partitions.map(({ sizeBytes }) => sizeBytes)
    expect(sizes).toEqual(partitions.map((p) => sizeAt(p.leader, p.partition)))
    expect(Math.min(...sizes)).toBeGreaterThan(0)
    expect([...sizes].sort((a, b) => a - b)).toEqual(sizes)
  })
})
