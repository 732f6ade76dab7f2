import { describe, expect, it, vi } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { joinGroup } from '../../support/consumers.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { commitByTool, groupTable } from '../../support/group-tool.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { startConsoleConsumer } from '../../support/kafka-tools/console-consumer.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { produce } from '../../support/produce.ts'

const cluster = useAdminCluster()

interface Group {
  readonly group: string
  readonly state: string
  readonly type: string
  readonly protocolType: string
  readonly protocol: string
  readonly coordinator: number
}
interface Member {
  readonly member: string
  readonly clientId: string
  readonly instanceId: string | null
  readonly assignments: { topic: string; partitions: number[] }[]
}
interface Offset {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
  readonly latestOffset: number | null
  readonly lag: number | null
  readonly lagMs: number | null
  readonly member: string | null
}

async function gateway(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

/** A topic with records in each of its partitions, and replicas on two brokers. */
async function topicWith(records: number, partitions = 3): Promise<string> {
  const topic = await makeTopic({ partitions, replicationFactor: 2 }, cluster.bootstrap)
  const messages = Array.from({ length: partitions }, (_, partition) =>
    Array.from({ length: records }, (_, i) => ({ partition, value: `${partition}/${i}` })),
  )
  await produce(topic, messages.flat(), { bootstrap: cluster.bootstrap })
  return topic
}

async function groupOf(client: HttpClient, group: string): Promise<Group & { members: Member[] }> {
  const answer = await client.get(`/v1/groups/${encodeURIComponent(group)}`)
  expect(answer.status).toBe(200)
  return answer.json as Group & { members: Member[] }
}

async function offsetsOf(client: HttpClient, group: string, query = ''): Promise<Offset[]> {
  const answer = await client.get(`/v1/groups/${encodeURIComponent(group)}/offsets${query}`)
  expect(answer.status).toBe(200)
  return (answer.json as { offsets: Offset[] }).offsets
}

describe('GET /v1/groups', () => {
  it("lists and describes groups of every type as Kafka's own tools do, by state, type and prefix, in pages", async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, prefix] = [await topicWith(1), uniqueName('g')]
    const names = [0, 1, 2, 3].map((i) => `${prefix}-${i}`)
    const [live, newer, share] = [`${prefix}-live`, `${prefix}-newer`, `${prefix}-share`] as const
    const asInstance = { 'group.instance.id': 'till-7' }
    await Promise.all([
      joinGroup(live, [topic], { bootstrap }),
      startConsoleConsumer('consumer', { group: newer, topic, bootstrap, properties: asInstance }),
      startConsoleConsumer('share', { group: share, topic, bootstrap }),
      ...names.map((name) => commitByTool(name, { [topic]: [0] }, bootstrap)),
    ])
    const joined = async () => (await client.get(`/v1/groups/${share}`)).json
    await vi.waitFor(async () => expect(await joined()).toMatchObject({ state: 'Stable' }), 20_000)

    const list = async (query = '') => {
      const answer = await client.get(`/v1/groups?prefix=${prefix}${query}`)
      expect(answer).toMatchObject({ status: 200, json: { next: null, unanswered: [] } })
      return (answer.json as { groups: Group[] }).groups
    }
    const all = await list()
    expect(all.map(({ group }) => group)).toEqual([...names, live, newer, share])
    const [states, types, groups] = await Promise.all([
      groupTable(['--list', '--state'], bootstrap),
      groupTable(['--list', '--type'], bootstrap),
      kafkaTool('kafka-groups', ['--list'], bootstrap),
    ])
    const isOwn = ({ GROUP = '' }) => GROUP.startsWith(prefix)
    const ofConsumers = all.filter(({ type }) => type !== 'share')
    expect(
      states
        .filter(isOwn)
        .map((row) => `${row.GROUP} ${row.STATE}`)
        .sort(),
    ).toEqual(ofConsumers.map(({ group, state }) => `${group} ${state}`))
    expect(
      types
        .filter(isOwn)
        .map((row) => `${row.GROUP} ${row.TYPE?.toLowerCase()}`)
        .sort(),
    ).toEqual(ofConsumers.map(({ group, type }) => `${group} ${type}`))
    for (const { group } of all) expect(groups).toContain(group)

    expect((await list('&state=Empty')).map(({ group }) => group)).toEqual(names)
    expect((await list('&type=consumer&type=share')).map(({ type }) => type)).toEqual(['consumer', 'share'])
    expect(await list('&state=Empty&type=share')).toEqual([])
    const pages: string[] = []
    let after: string | null = ''
    while (after !== null) {
      const answer = await client.get(`/v1/groups?prefix=${prefix}&limit=3&after=${after}`)
      const page = answer.json as { groups: Group[]; next: string | null }
      pages.push(...page.groups.map(({ group }) => group))
      after = page.next
    }
    expect(pages).toEqual(all.map(({ group }) => group))

    const assignments = [{ topic, partitions: [0, 1, 2] }]
    const described = await groupOf(client, live)
    const [member] = described.members
    expect(described).toMatchObject({ type: 'classic', state: 'Stable', protocolType: 'consumer' })
    expect(member).toMatchObject({ clientId: 'witness', topics: [topic], assignments, target: null })
    const verbose = (group: string) => ['--describe', '--group', group, '--members', '--verbose']
    expect(await groupTable(verbose(live), bootstrap)).toMatchObject([
      { 'CONSUMER-ID': member!.member, 'CURRENT-ASSIGNMENT': `${topic}:0,1,2` },
    ])
    const [state] = await groupTable(['--describe', '--group', live, '--state'], bootstrap)
    expect(state).toMatchObject({ STATE: 'Stable', 'ASSIGNMENT-STRATEGY': described.protocol })
    expect(JSON.stringify(state)).toContain(`(${described.coordinator})`)

    const byCoordinator = await groupOf(client, newer)
    expect(byCoordinator).toMatchObject({
      type: 'consumer',
      state: 'Stable',
      protocol: 'uniform',
      members: [
        { instanceId: 'till-7', host: '127.0.0.1', topics: [topic], assignments, target: assignments },
      ],
    })
    const { member: id } = byCoordinator.members[0]!
    expect(await groupTable(verbose(newer), bootstrap)).toMatchObject([
      { 'CONSUMER-ID': id, 'GROUP-INSTANCE-ID': 'till-7' },
    ])
    expect((await offsetsOf(client, newer)).map(({ member }) => member)).toEqual([id, id, id])

    expect(await groupOf(client, share)).toMatchObject({
      type: 'share',
      members: [{ clientId: 'console-share-consumer', topics: [topic], instanceId: null, target: null }],
    })
    const offsets = await client.get(`/v1/groups/${share}/offsets`)
    expect(offsets).toMatchObject({ status: 409, json: { code: 'group_type_unsupported' } })
  })

  it('422s with invalid_parameter for states, types and limits that there are not', async () => {
    const client = await gateway()
    for (const query of ['state=stable', 'type=old', 'limit=0', 'limit=10001', 'limit=1e3', 'sort=name']) {
      const answer = await client.get(`/v1/groups?${query}`)
      expect(answer).toMatchObject({ status: 422, json: { code: 'invalid_parameter' } })
    }
  })

  it('leaves out the groups that hold transaction ids', async () => {
    const client = await gateway()
    const topic = await makeTopic({}, cluster.bootstrap)
    const id = uniqueName('tx')
    const body = { id, records: [{ topic, value: 1 }] }
    expect((await client.post('/v1/transactions', body)).status).toBe(200)
    const found = await withAdmin((admin) => admin.listGroups(), cluster.bootstrap)
    expect(found.groups.map(({ groupId }) => groupId)).toContain(`sluice-id-${id}`)
    const listed = await client.get('/v1/groups?limit=10000&prefix=sluice-id-')
    expect(listed.json).toEqual({ groups: [], next: null, unanswered: [] })
  })
})

describe('GET /v1/groups/{group}', () => {
  it('404s with group_not_found for a group that is not there, and for its offsets', async () => {
    const client = await gateway()
    for (const group of [uniqueName('g'), 'with%20space', '%0A', '%00', '%2F', 'x'.repeat(8_000)]) {
      for (const path of [`/v1/groups/${group}`, `/v1/groups/${group}/offsets`]) {
        const answer = await client.get(path)
        expect(answer).toMatchObject({ status: 404, json: { code: 'group_not_found' } })
      }
    }
    for (const path of ['/v1/groups/', '/v1/groups//offsets']) {
      expect(await client.get(path)).toMatchObject({ status: 404, json: { code: 'no_such_route' } })
    }
  })
})

describe('GET /v1/groups/{group}/offsets', () => {
  it('shows what kafka-consumer-groups shows, and how old the next record is', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, other, group] = [await topicWith(5), await topicWith(1, 1), uniqueName('g')]
    const hourAgo = Date.now() - 3_600_000
    await produce(topic, [{ partition: 1, value: 'old', timestamp: String(hourAgo) }], { bootstrap })
    await produce(topic, [{ partition: 1, value: 'new' }], { bootstrap })
    await commitByTool(group, { [topic]: [5, 5, 2], [other]: [0] }, bootstrap)
    const answer = await client.get(`/v1/groups/${group}/offsets`)
    expect(answer).toMatchObject({ status: 200, json: { group, lag: 0 + 2 + 3 + 1 } })
    expect(answer.headers.get('etag')).toMatch(/^".+"$/)
    const { offsets } = answer.json as { offsets: Offset[] }
    const rows = await groupTable(['--describe', '--group', group, '--offsets'], bootstrap)
    expect(offsets.map((o) => [o.topic, o.partition, o.offset, o.latestOffset, o.lag].join(' '))).toEqual(
      rows
        .map((r) => [r.TOPIC, r.PARTITION, r['CURRENT-OFFSET'], r['LOG-END-OFFSET'], r.LAG].join(' '))
        .sort(),
    )
    const ages = offsets.filter((o) => o.topic === topic).map(({ lagMs }) => lagMs)
    expect(ages[0]).toBeNull()
    expect(ages[1]).toBeGreaterThan(3_599_000)
    expect(ages[1]).toBeLessThan(3_700_000)
    expect(ages[2]).toBeLessThan(60_000)
    const one = await offsetsOf(client, group, `?topic=${other}`)
    expect(one.map(({ topic }) => topic)).toEqual([other])
  })

  it('tells of partitions that are read and not committed yet', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, group] = [await topicWith(0, 2), uniqueName('g')]
    await joinGroup(group, [topic], { bootstrap })
    const { members } = await groupOf(client, group)
    expect(await offsetsOf(client, group)).toMatchObject([
      { partition: 0, offset: null, latestOffset: 0, lag: null, lagMs: null, member: members[0]!.member },
      { partition: 1, offset: null, member: members[0]!.member },
    ])
  })
})
