import { describe, expect, it, onTestFinished } from 'vitest'
import { useOwnAdminCluster } from '../../support/admin-cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'

const cluster = useOwnAdminCluster()
/** What the tests change: nothing else in this repository looks at it. */
const CONFIG = 'log.cleaner.backoff.ms'
const LIST = 'log.cleanup.policy'

interface Config {
  name: string
  value: string | null
  source: string
  origins: { name: string; value: string | null; source: string }[]
}

async function client(): Promise<HttpClient> {
  const gateway = await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap })
  return http(gateway)
}

async function configOf(api: HttpClient, path: string, name: string): Promise<Config | undefined> {
  const answer = await api.get(`${path}?name=${name}`)
  expect(answer.status).toBe(200)
  return (answer.json as { configs: Config[] }).configs[0]
}

function configsTool(args: string[]): Promise<string> {
  return kafkaTool('kafka-configs', ['--entity-type', 'brokers', ...args], cluster.bootstrap)
}

describe('GET /v1/cluster', () => {
  it('tells what kafka-cluster, kafka-features and kafka-metadata-quorum tell', async () => {
    const api = await client()
    const { json, status } = await api.get('/v1/cluster')
    expect(status).toBe(200)
    const told = json as {
      clusterId: string
      controller: number
      features: { name: string; finalized: number | null }[]
      metadataQuorum: { leader: number; voters: { node: number; lag: number }[]; observers: unknown[] }
    }
    expect(told).toMatchObject({ brokers: 3, unanswered: [], kafkaVersion: '4.3', metadataVersion: '4.3' })
    const id = await kafkaTool('kafka-cluster', ['cluster-id'], cluster.bootstrap)
    expect(id).toContain(`Cluster ID: ${told.clusterId}`)
    const features = await kafkaTool('kafka-features', ['describe'], cluster.bootstrap)
    for (const [, name, level] of features.matchAll(/^Feature: (\S+).*FinalizedVersionLevel: (\d+)\s/gm)) {
      expect([name, told.features.find((f) => f.name === name)?.finalized ?? 0]).toEqual([
        name,
        Number(level),
      ])
    }
    expect([...features.matchAll(/^Feature: (\S+)/gm)].map(([, name]) => name).sort()).toEqual(
      told.features.map(({ name }) => name),
    )
    const quorum = await kafkaTool('kafka-metadata-quorum', ['describe', '--status'], cluster.bootstrap)
    expect(Number(/LeaderId:\s+(\d+)/.exec(quorum)?.[1])).toBe(told.controller)
    expect(told.metadataQuorum.leader).toBe(told.controller)
    expect(told.metadataQuorum.voters.map(({ node }) => node)).toEqual([1, 2, 3])
    expect(told.metadataQuorum.voters.find(({ node }) => node === told.controller)?.lag).toBe(0)
  })
})

describe('GET /v1/brokers', () => {
  it('lists each broker with what it holds, and one by its node id', async () => {
    const topic = await makeTopic({ partitions: 3, replicationFactor: 2 }, cluster.bootstrap)
    const api = await client()
    const list = (await api.get('/v1/brokers')).json as {
      brokers: { broker: number; host: string; port: number; partitions: number; leaders: number }[]
      unanswered: number[]
    }
    expect(list).toMatchObject({
      brokers: [1, 2, 3].map((broker) => ({
        broker,
        rack: null,
        fenced: false,
        answering: true,
        kafkaVersion: '4.3',
      })),
      unanswered: [],
    })
    const addresses = list.brokers.map(({ host, port }) => `${host}:${port}`)
    expect(addresses.sort()).toEqual(cluster.bootstrap.split(',').sort())
    const topics = await kafkaTool('kafka-topics', ['--describe', '--topic', topic], cluster.bootstrap)
    expect(topics.match(/Partition: /g)).toHaveLength(3)
    for (const { partitions, leaders } of list.brokers) expect(partitions).toBeGreaterThanOrEqual(leaders)
    const one = await api.get('/v1/brokers/2')
    expect(one.json).toMatchObject({ broker: 2, answering: true })
    expect((await api.get('/v1/brokers/99')).json).toMatchObject({ code: 'broker_not_found', status: 404 })
    expect((await api.get('/v1/brokers/first')).json).toMatchObject({ code: 'invalid_parameter' })
  })
})

describe('log folders', () => {
  it('are told as kafka-log-dirs tells them: of all brokers, of one, and of one topic', async () => {
    const topic = await makeTopic({ partitions: 3, replicationFactor: 2 }, cluster.bootstrap)
    const api = await client()
    await api.post(`/v1/topics/${topic}/records`, { records: [{ value: 'x'.repeat(1000) }] })
    type Dirs = {
      logDirs: {
        broker: number
        path: string
        totalBytes: number
        partitions: { topic: string; partition: number; sizeBytes: number; lag: number }[]
      }[]
    }
    const tool = await kafkaTool('kafka-log-dirs', ['--describe', '--topic-list', topic], cluster.bootstrap)
    const witnessed = JSON.parse(tool.split('\n').find((line) => line.startsWith('{'))!) as {
      brokers: {
        broker: number
        logDirs: { logDir: string; partitions: { partition: string; size: number; offsetLag: number }[] }[]
      }[]
    }
    const { json } = await api.get(`/v1/log-dirs?topic=${topic}`)
    expect(json).toMatchObject({ unanswered: [] })
    const told = (json as Dirs).logDirs
    const flat = told.flatMap(({ broker, path, partitions }) =>
      partitions.map((p) => `${broker} ${path} ${p.topic}-${p.partition} ${p.sizeBytes} ${p.lag}`),
    )
    const expected = witnessed.brokers.flatMap(({ broker, logDirs }) =>
      logDirs.flatMap(({ logDir, partitions }) =>
        partitions.map((p) => `${broker} ${logDir} ${p.partition} ${p.size} ${p.offsetLag}`),
      ),
    )
    expect(flat.sort()).toEqual(expected.sort())
    expect(flat).toHaveLength(6)
    const one = (await api.get(`/v1/brokers/2/log-dirs?topic=${topic}`)).json as Dirs
    const same = told.filter(({ broker }) => broker === 2)
    expect(one.logDirs).toMatchObject(same.map(({ path, partitions }) => ({ broker: 2, path, partitions })))
    expect(one.logDirs[0]!.totalBytes).toBeGreaterThan(0)
    const all = (await api.get('/v1/brokers/2/log-dirs')).json as Dirs
    expect(all.logDirs[0]!.partitions).toEqual(expect.arrayContaining([...one.logDirs[0]!.partitions]))
    expect((await api.get('/v1/log-dirs?topic=nothing-of-this-name')).status).toBe(404)
    expect((await api.get('/v1/brokers/99/log-dirs')).json).toMatchObject({ code: 'broker_not_found' })
  })
})

describe('configs of brokers', () => {
  it('shows what kafka-configs set, and kafka-configs shows what the API set', async () => {
    const api = await client()
    onTestFinished(async () => {
      await api.patch('/v1/brokers/3/configs', { configs: { [CONFIG]: null, [LIST]: null } })
      await api.patch('/v1/cluster/configs', { configs: { [CONFIG]: null } })
    })
    await configsTool(['--entity-default', '--alter', '--add-config', `${CONFIG}=21000`])
    await expect.poll(() => configOf(api, '/v1/cluster/configs', CONFIG)).toMatchObject({ value: '21000' })
    await expect
      .poll(() => configOf(api, '/v1/brokers/3/configs', CONFIG))
      .toMatchObject({
        value: '21000',
        source: 'cluster',
        origins: [
          { name: CONFIG, value: '21000', source: 'cluster' },
          { name: CONFIG, value: '15000', source: 'default' },
        ],
      })
    const set = await api.patch('/v1/brokers/3/configs', {
      configs: { [CONFIG]: 22000 },
      append: { [LIST]: ['compact'] },
    })
    expect(set.status).toBe(200)
    expect(set.json).toMatchObject({
      configs: [
        {
          name: CONFIG,
          value: '22000',
          source: 'broker',
          origins: [{ source: 'broker' }, { source: 'cluster' }, {}],
        },
        { name: LIST, value: 'delete,compact', source: 'broker' },
      ],
      validateOnly: false,
    })
    const shown = await configsTool(['--entity-name', '3', '--describe'])
    expect(shown).toContain(`${CONFIG}=22000`)
    expect(shown).toContain(`${LIST}=delete,compact`)
    // What somebody else set meanwhile is left as it is.
    await configsTool(['--entity-name', '3', '--alter', '--add-config', 'log.segment.delete.delay.ms=61000'])
    onTestFinished(async () => {
      await api.patch('/v1/brokers/3/configs', { configs: { 'log.segment.delete.delay.ms': null } })
    })
    const taken = await api.patch('/v1/brokers/3/configs', {
      configs: { [CONFIG]: null },
      subtract: { [LIST]: ['delete'] },
    })
    expect(taken.json).toMatchObject({
      configs: [
        { name: CONFIG, value: '21000', source: 'cluster' },
        { name: LIST, value: 'compact' },
      ],
    })
    const after = await configsTool(['--entity-name', '3', '--describe'])
    expect(after).not.toContain(`${CONFIG}=22000`)
    expect(after).toContain(`${LIST}=compact`)
    expect(after).toContain('log.segment.delete.delay.ms=61000')
    const cluster = await api.patch('/v1/cluster/configs', { configs: { [CONFIG]: '23000' } })
    expect(cluster.json).toMatchObject({ configs: [{ name: CONFIG, value: '23000', source: 'cluster' }] })
    expect(await configsTool(['--entity-default', '--describe'])).toContain(`${CONFIG}=23000`)
  })

  it('says with validateOnly what would be, and changes nothing', async () => {
    const api = await client()
    const before = await api.get('/v1/brokers/2/configs')
    const { json } = await api.patch('/v1/brokers/2/configs', {
      configs: { [CONFIG]: 25000 },
      append: { [LIST]: ['compact'] },
      validateOnly: true,
    })
    expect(json).toMatchObject({
      configs: [
        { name: CONFIG, value: '25000', source: 'broker' },
        { name: LIST, value: 'delete,compact', source: 'broker' },
      ],
      validateOnly: true,
    })
    const after = await api.get('/v1/brokers/2/configs')
    expect(after.json).toEqual(before.json)
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'))
  })

  it('makes no change that If-Match forbids, since somebody else was there first', async () => {
    const api = await client()
    onTestFinished(async () => {
      await api.patch('/v1/brokers/1/configs', { configs: { [CONFIG]: null } })
    })
    const seen = (await api.get('/v1/brokers/1/configs')).headers.get('etag')!
    const headers = { 'if-match': seen }
    const first = await api.patch('/v1/brokers/1/configs', { configs: { [CONFIG]: 26000 } }, { headers })
    expect(first.status).toBe(200)
    const second = await api.patch('/v1/brokers/1/configs', { configs: { [CONFIG]: 27000 } }, { headers })
    expect(second.json).toMatchObject({ code: 'precondition_failed' })
    const now = await api.get('/v1/brokers/1/configs')
    expect(second.headers.get('etag')).toBe(now.headers.get('etag'))
    expect(await configOf(api, '/v1/brokers/1/configs', CONFIG)).toMatchObject({ value: '26000' })
  })

  it('never shows a secret', async () => {
    const api = await client()
    const name = 'listener.name.elsewhere.ssl.keystore.password'
    const path = '/v1/brokers/2/configs'
    onTestFinished(async () => {
      await api.patch(path, { configs: { [name]: null } })
    })
    const set = await api.patch(path, { configs: { [name]: 'hidden-from-all' } })
    expect(set.json).toMatchObject({ configs: [{ name, value: null, sensitive: true }] })
    const read = await api.get(path)
    expect(read.text + set.text).not.toContain('hidden-from-all')
    expect(read.text).toContain(name)
  })

  it.each([
    [
      'a name Kafka does not have',
      { configs: { 'log.retentoin.ms': 1 } },
      'invalid_config',
      '/configs/log.retentoin.ms',
      'no broker config',
    ],
    [
      'one that is read only',
      { configs: { 'log.dirs': '/tmp' } },
      'read_only_config',
      '/configs/log.dirs',
      'read only',
    ],
    [
      'a value of another type',
      { configs: { [CONFIG]: 'soon' } },
      'invalid_config',
      `/configs/${CONFIG}`,
      'whole number',
    ],
    [
      'a value out of range',
      { configs: { [CONFIG]: -5 } },
      'invalid_config',
      `/configs/${CONFIG}`,
      'whole number',
    ],
    [
      'too many threads at once',
      { configs: { 'num.io.threads': 999 } },
      'invalid_config',
      '/configs/num.io.threads',
      'double',
    ],
    [
      'an append to what is no list',
      { append: { [CONFIG]: ['1'] } },
      'invalid_config',
      `/append/${CONFIG}`,
      'not a list',
    ],
    [
      'one config changed in two ways',
      { configs: { [LIST]: 'compact' }, append: { [LIST]: ['delete'] } },
      'invalid_request',
      `/append/${LIST}`,
      'one way',
    ],
    [
      'a list value with a comma',
      { append: { [LIST]: ['a,b'] } },
      'invalid_request',
      `/append/${LIST}/0`,
      'comma',
    ],
    ['an unknown member', { config: {} }, 'invalid_request', '/config', 'no such member'],
  ])('refuses %s, and changes nothing', async (_what, body, code, pointer, reason) => {
    const api = await client()
    const before = (await api.get('/v1/brokers/1/configs')).json
    // One that could be changed, beside the one that cannot.
    const configs = { 'log.segment.delete.delay.ms': 62000, ...(body as { configs?: object }).configs }
    const refused = await api.patch('/v1/brokers/1/configs', { ...body, configs })
    expect(refused.json).toMatchObject({
      code,
      errors: [{ pointer, reason: expect.stringContaining(reason) }],
    })
    expect((await api.get('/v1/brokers/1/configs')).json).toEqual(before)
  })

  it.each([
    ['ssl.keystore.location', '/etc/keystore', 'each listener'],
    ['listener.name.elsewhere.ssl.keystore.location', '/etc/keystore', 'each broker'],
    ['listeners', 'PLAINTEXT://:9', 'each broker'],
  ])('refuses to set %s for all brokers', async (name, value, reason) => {
    const api = await client()
    const body = { configs: { [name]: value } }
    const refused = await api.patch('/v1/cluster/configs', body)
    expect(refused.json).toMatchObject({
      code: 'invalid_config',
      errors: [{ pointer: `/configs/${name}`, reason: expect.stringContaining(reason) }],
    })
    expect((await api.patch('/v1/brokers/99/configs', body)).json).toMatchObject({ code: 'broker_not_found' })
  })
})
