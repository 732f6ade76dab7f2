import { describe, expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { contract } from '../../support/contract.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'

/** A request of each operation, about what belongs to tenant `a` alone. */
const requests: Record<string, (own: Own) => readonly [method: string, path: string, body?: unknown]> = {
  abortHanging: ({ topic }) => ['POST', `/v1/topics/${topic}/partitions/0/abort`, {}],
  abortTransaction: () => ['DELETE', '/v1/transactional-ids/nobody'],
  alterTopic: ({ topic }) => ['PATCH', `/v1/topics/${topic}`, { configs: {}, validateOnly: true }],
  cancelReassignments: () => ['DELETE', '/v1/reassignments?dryRun=true'],
  changeBrokerConfigs: () => ['PATCH', '/v1/brokers/1/configs', { configs: {}, validateOnly: true }],
  changeClusterConfigs: () => ['PATCH', '/v1/cluster/configs', { configs: {}, validateOnly: true }],
  changeQuotas: () => ['PATCH', '/v1/quotas', {}],
  commitTransaction: ({ topic }) => [
    'POST',
    '/v1/transactions',
    { records: [{ topic, value: 1 }], id: uniqueName('id') },
  ],
  createAcls: () => ['POST', '/v1/acls', {}],
  createTicket: () => ['POST', '/v1/tickets'],
  createTopic: ({ prefix }) => ['POST', '/v1/topics', { name: `${prefix}new`, validateOnly: true }],
  deleteAcls: () => ['DELETE', '/v1/acls'],
  deleteGroup: ({ prefix }) => ['DELETE', `/v1/groups/${prefix}g`],
  deleteOffsets: ({ prefix, topic }) => ['DELETE', `/v1/groups/${prefix}g/offsets?topic=${topic}`],
  deleteUser: () => ['DELETE', '/v1/users/nobody'],
  deleteTopic: ({ prefix }) => ['DELETE', `/v1/topics/${prefix}gone`],
  describeBroker: () => ['GET', '/v1/brokers/1'],
  describeBrokerConfigs: () => ['GET', '/v1/brokers/1/configs'],
  describeCluster: () => ['GET', '/v1/cluster'],
  describeClusterConfigs: () => ['GET', '/v1/cluster/configs'],
  describeGroup: ({ prefix }) => ['GET', `/v1/groups/${prefix}g`],
  describeLogDirs: () => ['GET', '/v1/brokers/1/log-dirs'],
  describeUser: () => ['GET', '/v1/users/nobody'],
  describeTransactionalId: () => ['GET', '/v1/transactional-ids/nobody'],
  describeTopic: ({ topic }) => ['GET', `/v1/topics/${topic}`],
  electLeaders: () => ['POST', '/v1/elections', {}],
  findTransaction: () => ['GET', '/v1/transactions/no-such-id'],
  getLimits: () => ['GET', '/v1/limits'],
  listAcls: () => ['GET', '/v1/acls'],
  listBrokers: () => ['GET', '/v1/brokers'],
  listGroupOffsets: ({ prefix }) => ['GET', `/v1/groups/${prefix}g/offsets`],
  listGroups: () => ['GET', '/v1/groups'],
  listHangingTransactions: () => ['GET', '/v1/hanging-transactions'],
  listLogDirs: () => ['GET', '/v1/log-dirs'],
  listProducers: ({ topic }) => ['GET', `/v1/topics/${topic}/partitions/0/producers`],
  listQuotas: () => ['GET', '/v1/quotas'],
  listTopics: () => ['GET', '/v1/topics'],
  listReassignments: () => ['GET', '/v1/reassignments'],
  listTransactionalIds: () => ['GET', '/v1/transactional-ids'],
  listUsers: () => ['GET', '/v1/users'],
  openProducer: ({ topic }) => ['POST', `/v1/topics/${topic}/producers`],
  produceRecords: ({ topic }) => ['POST', `/v1/topics/${topic}/records`, { value: 1 }],
  produceRecordsOnce: ({ topic, producer }) => [
    'PUT',
    `/v1/topics/${topic}/producers/${producer}/records/0`,
    { value: 1 },
  ],
  readRecord: ({ topic }) => ['GET', `/v1/topics/${topic}/partitions/0/records/0`],
  readRecords: ({ topic }) => ['GET', `/v1/topics/${topic}/records?from=earliest`],
  removeReassignmentThrottle: () => ['DELETE', '/v1/reassignments/throttle'],
  removeInstance: ({ prefix }) => ['DELETE', `/v1/groups/${prefix}g/members?instanceId=i`],
  removeMember: ({ prefix }) => ['DELETE', `/v1/groups/${prefix}g/members/m`],
  resetOffsets: ({ prefix, topic }) => [
    'PUT',
    `/v1/groups/${prefix}g/offsets`,
    { to: 'earliest', topics: [topic], dryRun: true },
  ],
  setPassword: () => ['PUT', '/v1/users/nobody', {}],
  startReassignments: () => ['POST', '/v1/reassignments', {}],
  truncateTopic: ({ topic }) => ['DELETE', `/v1/topics/${topic}/records?before=0&dryRun=true`],
}

/** Of these everybody who has shown who they are gets an answer: one that shows them what is theirs. */
const forEverybody = new Set(['createTicket', 'findTransaction', 'getLimits', 'listGroups', 'listTopics'])

interface Own {
  readonly prefix: string
  readonly topic: string
  readonly producer: string
}

const policyFor = (a: string, b: string) => `
rules:
  - { to: [key:a], allow: [all], topics: ['${a}*'], groups: ['${a}*'], cluster: true }
  - { to: [key:b], allow: [all], topics: ['${b}*'], groups: ['${b}*'] }
`

async function setUp() {
  const [a, b] = [uniqueName('a-'), uniqueName('b-')]
  const topic = await makeTopic({ name: `${a}topic` })
  const auth = authFiles(policyFor(a, b), ['a', 'b', 'revoked'])
  auth.writeKeys((key) => (key.id === 'revoked' ? undefined : key))
  const client = http(await startTestGateway({ ...auth.env, SLUICE_FAILED_LOGINS: '1000' }))
  const opened = await client.post(`/v1/topics/${topic}/producers`, undefined, { headers: auth.headers.a! })
  const { producer } = opened.json as { producer: string }
  return { client, auth, own: { prefix: a, topic, producer } satisfies Own }
}

const operations = Object.values(contract.paths)
  .flatMap((item) => Object.values(item))
  .map((operation) => operation as typeof operation & { security?: unknown[] })
const guarded = operations
  .filter(({ security }) => security?.length !== 0)
  .map(({ operationId }) => operationId)

describe('every operation of openapi.yaml', () => {
  it('is tried here, or is for everybody', () => {
    expect(Object.keys(requests).sort()).toEqual(guarded.sort())
    const open = operations.filter(({ operationId }) => !guarded.includes(operationId))
    expect(open.map(({ operationId }) => operationId).sort()).toEqual([
      'connectStream',
      'getAsyncApiYaml',
      'getHealth',
      'getOpenApiJson',
      'getOpenApiYaml',
      'getProblem',
      'getReadiness',
      'getReference',
      'getStartup',
      'listProblems',
    ])
  })

  it('answers its owner, and nobody else: not another tenant, nor without credentials, nor with wrong ones', async () => {
    const { client, auth, own } = await setUp()
    const ask = async (name: string, headers: Record<string, string>, about = own) => {
      const [method, path, body] = requests[name]!(about)
      const { status, json, headers: answered } = await client.request(method, path, { body, headers })
      return {
        status,
        ...(json as { code?: string; detail?: string }),
        challenge: answered.get('www-authenticate'),
      }
    }
    for (const name of Object.keys(requests)) {
      const anonymous = await ask(name, {})
      expect(anonymous, name).toMatchObject({ status: 401, code: 'unauthenticated' })
      expect(anonymous.challenge, name).toContain('Bearer')
      for (const wrong of [
        auth.headers.revoked!,
        { authorization: `Bearer ${auth.keys.a!.slice(0, -1)}x` },
        { authorization: 'Bearer nonsense' },
        { authorization: `Digest ${auth.keys.a}` },
      ]) {
        expect(await ask(name, wrong), name).toMatchObject({ status: 401, code: 'invalid_credentials' })
      }
      const owner = await ask(name, auth.headers.a!)
      expect([401, 403], `${name} ${owner.code}`).not.toContain(owner.status)
      if (forEverybody.has(name)) continue
      const there = await ask(name, auth.headers.b!)
      expect(there, name).toMatchObject({ status: 403, code: 'forbidden' })
      // Whether it is there is not told.
      const missing = await ask(name, auth.headers.b!, { ...own, topic: `${own.topic}-missing` })
      expect(missing.detail?.replaceAll('-missing', ''), name).toBe(there.detail)
    }
  })

  it('takes a key by HTTP Basic too, and refuses one in a URL', async () => {
    const { client, auth, own } = await setUp()
    const path = `/v1/topics/${own.topic}`
    const basic = (user: string, password: string) => ({
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
    })
    const secret = auth.keys.a!.slice('sluice_a_'.length)
    for (const options of [basic('a', auth.keys.a!), basic('a', secret), basic('', auth.keys.a!)]) {
      expect((await client.get(path, options)).status).toBe(200)
    }
    expect((await client.get(path, basic('b', auth.keys.a!))).status).toBe(401)
    for (const query of [`key=${auth.keys.a}`, 'access_token=x', 'API_KEY=x']) {
      const { status, json } = await client.get(`${path}?${query}`, { headers: auth.headers.a! })
      expect({ status, json }).toMatchObject({ status: 400, json: { code: 'credential_in_url' } })
    }
  })
})

describe('what belongs to one tenant', () => {
  it('is neither listed, nor reached by tokens or transaction ids, by another', async () => {
    const { client, auth, own } = await setUp()
    const topics = async (who: 'a' | 'b') => {
      const { json } = await client.get('/v1/topics', { headers: auth.headers[who]! })
      return (json as { topics: { name: string }[] }).topics.map(({ name }) => name)
    }
    expect(await topics('a')).toEqual([own.topic])
    expect(await topics('b')).toEqual([])

    // b may write to a's topic from now on; a's producer is still a's alone.
    const [a] = own.prefix.split('topic')
    auth.writePolicy(`rules: [{ to: [key:a, key:b], allow: [all], topics: ['${a}*'] }]`)
    await expect.poll(() => topics('b'), { timeout: 10_000 }).toEqual([own.topic])
    const put = (who: 'a' | 'b') =>
      client.put(
        `/v1/topics/${own.topic}/producers/${own.producer}/records/0`,
        { value: who },
        { headers: auth.headers[who]! },
      )
    expect((await put('b')).json).toMatchObject({ code: 'invalid_producer' })
    expect((await put('a')).status).toBe(201)

    const id = uniqueName('order')
    const commit = (who: 'a' | 'b') =>
      client.post(
        '/v1/transactions',
        { id, records: [{ topic: own.topic, value: who }] },
        { headers: auth.headers[who]! },
      )
    expect((await commit('a')).json).toMatchObject({ transaction: id, duplicate: false })
    expect((await commit('b')).json).toMatchObject({ transaction: id, duplicate: false })
    expect((await commit('a')).json).toMatchObject({ transaction: id, duplicate: true })
    const state = await client.get(`/v1/transactions/${id}`, { headers: auth.headers.a! })
    expect(state.json).toEqual({ transaction: id, state: 'committed' })
  })

  it('counts wrong credentials by address, and serves right ones all the while', async () => {
    const { auth: files, own: mine } = await setUp()
    const gateway = http(await startTestGateway({ ...files.env, SLUICE_FAILED_LOGINS: '3' }))
    const path = `/v1/topics/${mine.topic}`
    const codes: (string | undefined)[] = []
    for (let i = 0; i < 5; i++) {
      const answer = await gateway.get(path, { headers: files.headers.revoked! })
      codes.push((answer.json as { code?: string }).code)
    }
    expect(codes).toEqual([
      ...Array<string>(3).fill('invalid_credentials'),
      ...Array<string>(2).fill('too_many_failed_logins'),
    ])
    expect((await gateway.get(path, { headers: files.headers.a! })).status).toBe(200)
  })
})
