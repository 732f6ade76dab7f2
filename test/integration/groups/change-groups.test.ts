import { describe, expect, it, vi } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { joinGroup } from '../../support/consumers.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { commitByTool, groupTable } from '../../support/group-tool.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { startConsoleConsumer } from '../../support/kafka-tools/console-consumer.ts'
import { kafkaTool, runTool } from '../../support/kafka-tools/index.ts'
import { makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { produce } from '../../support/produce.ts'

const cluster = useAdminCluster()
const hour = 3_600_000
const now = Date.now()

interface Change {
  readonly topic: string
  readonly partition: number
  readonly before: number | null
  readonly after: number | null
  readonly clamped: boolean
  readonly error?: { readonly code: string }
}
interface Changes {
  readonly offsets: Change[]
  readonly dryRun: boolean
}

async function gateway(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

/** A topic of two partitions on two brokers, each with ten records of the last ten hours, the first two of them deleted. */
async function hourly(): Promise<string> {
  const topic = await makeTopic({ partitions: 2, replicationFactor: 2 }, cluster.bootstrap)
  const messages = [0, 1].flatMap((partition) =>
    Array.from({ length: 10 }, (_, i) => ({
      partition,
      value: `${partition}/${i}`,
      timestamp: String(now - (10 - i) * hour),
    })),
  )
  await produce(topic, messages, { bootstrap: cluster.bootstrap })
  const partitions = [0, 1].map((partition) => ({ partition, offset: '2' }))
  await withAdmin(async (admin) => {
    // kafkajs deletes in no topic that it has not heard of.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions })
  }, cluster.bootstrap)
  return topic
}

const pathOf = (group: string, rest = '') => `/v1/groups/${encodeURIComponent(group)}${rest}`
const committed = (group: string, topic: string) => committedOffsets(group, topic, cluster.bootstrap)
const after = ({ json }: { json: unknown }) => (json as Changes).offsets.map((change) => change.after)

describe('PUT /v1/groups/{group}/offsets', () => {
  it('sets what kafka-consumer-groups sets, after a dry run that says so and changes nothing', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, other] = [await hourly(), await hourly()]
    const [ours, theirs] = [uniqueName('g'), uniqueName('g')]
    const start = { [topic]: [4, 6], [other]: [5] }
    await commitByTool(theirs, start, bootstrap)
    const given = Object.entries(start).flatMap(([topic, own]) =>
      own.map((offset, partition) => ({ topic, partition, offset })),
    )
    expect((await client.put(pathOf(ours, '/offsets'), { partitions: given })).status).toBe(200)
    const time = new Date(now - 4 * hour - 1).toISOString()
    const all = ['--all-topics']
    const one = ['--topic', topic]
    const cases: [Record<string, unknown>, string[]][] = [
      [{ to: 'latest' }, [...all, '--to-latest']],
      [{ to: { shift: -3 } }, [...all, '--shift-by', '-3']],
      [
        { to: { shift: -100 }, partitions: [{ topic: other, partition: 0 }] },
        ['--topic', `${other}:0`, '--shift-by', '-100'],
      ],
      [{ to: { timestamp: time }, topics: [topic] }, [...one, '--to-datetime', time.replace('Z', '')]],
      [{ to: { timestamp: now - 2.5 * hour } }, [...all, '--by-duration', 'PT2H30M']],
      [{ to: 'earliest', topics: [topic] }, [...one, '--to-earliest']],
      [{ to: { offset: 7 } }, [...all, '--to-offset', '7']],
      [
        { to: { offset: 99 }, partitions: [{ topic, partition: 1 }] },
        ['--topic', `${topic}:1`, '--to-offset', '99'],
      ],
      [{ to: { shift: 0 } }, [...all, '--to-current']],
    ]
    for (const [body, args] of cases) {
      const before = [await committed(ours, topic), await committed(ours, other)]
      const dry = await client.put(pathOf(ours, '/offsets'), { ...body, dryRun: true })
      expect(dry.status, JSON.stringify(body)).toBe(200)
      expect([await committed(ours, topic), await committed(ours, other)]).toEqual(before)
      const reset = ['--reset-offsets', '--group', theirs, ...args, '--execute']
      const [real] = await Promise.all([
        client.put(pathOf(ours, '/offsets'), body),
        kafkaTool('kafka-consumer-groups', reset, bootstrap),
      ])
      expect(real.json).toEqual({ ...(dry.json as Changes), dryRun: false })
      const [own, others] = [await committed(ours, topic), await committed(theirs, topic)]
      expect(own, JSON.stringify(body)).toEqual(others)
      expect(await committed(ours, other)).toEqual(await committed(theirs, other))
      const told = (real.json as Changes).offsets.find((o) => o.topic === topic && o.partition === 1)
      if (told !== undefined) expect(told).toMatchObject({ before: before[0]![1], after: own[1] })
    }
    const rows = await groupTable(['--describe', '--group', ours, '--offsets'], bootstrap)
    const listed = (await client.get(pathOf(ours, '/offsets'))).json as {
      offsets: { topic: string; partition: number; offset: number }[]
    }
    expect(listed.offsets.map((o) => `${o.topic} ${o.partition} ${o.offset}`)).toEqual(
      rows.map((row) => `${row.TOPIC} ${row.PARTITION} ${row['CURRENT-OFFSET']}`).sort(),
    )
  }, 90_000)

  it('starts a group that does not exist at a place, or where another is; its first consumer reads on from there', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, first, second] = [await hourly(), uniqueName('g'), uniqueName('g')]
    const body = { to: { timestamp: now - 2 * hour }, topics: [topic] }
    const answer = await client.put(pathOf(first, '/offsets'), body)
    const change = { topic, before: null, after: 8, clamped: false }
    expect(answer).toMatchObject({
      status: 200,
      json: {
        group: first,
        dryRun: false,
        offsets: [
          { ...change, partition: 0 },
          { ...change, partition: 1 },
        ],
      },
    })
    expect(after(await client.put(pathOf(second, '/offsets'), { to: { group: first } }))).toEqual([8, 8])
    let read = 0
    await joinGroup(second, [topic], { bootstrap, onRecord: () => read++ })
    await vi.waitFor(async () => expect(await committed(second, topic)).toEqual([10, 10]), 20_000)
    expect(read).toBe(4)

    const held = await client.put(pathOf(second, '/offsets'), { to: 'earliest' })
    expect(held).toMatchObject({ status: 409, json: { code: 'group_active', retryable: true } })
    const dry = await client.put(pathOf(second, '/offsets'), { to: 'earliest', dryRun: true })
    expect(dry).toMatchObject({ status: 409, json: { code: 'group_active' } })
    expect(await client.delete(pathOf(second))).toMatchObject({ status: 409, json: { code: 'group_active' } })
    expect(await committed(second, topic)).toEqual([10, 10])
  }, 60_000)

  it('207s where some partitions cannot be set, telling each, and answers with the problem where none can', async () => {
    const client = await gateway()
    const [topic, missing, group] = [await hourly(), uniqueName(), uniqueName('g')]
    await client.put(pathOf(group, '/offsets'), { partitions: [{ topic, partition: 0, offset: 3 }] })
    const mixed = await client.put(pathOf(group, '/offsets'), {
      to: { shift: 2 },
      topics: [missing],
      partitions: [
        { topic, partition: 0 },
        { topic, partition: 1 },
        { topic, partition: 2 },
      ],
    })
    expect(mixed.status).toBe(207)
    const told = (mixed.json as Changes).offsets
    expect(told.filter((o) => o.topic === topic).map((o) => [o.before, o.after, o.error?.code])).toEqual([
      [3, 5, undefined],
      [null, null, 'offset_not_committed'],
      [null, null, 'partition_not_found'],
    ])
    expect(told.find((o) => o.topic === missing)?.error?.code).toBe('topic_not_found')
    expect(await committed(group, topic)).toEqual([5, -1])
    const none = await client.put(pathOf(group, '/offsets'), { to: 'latest', topics: [missing] })
    expect(none).toMatchObject({
      status: 404,
      json: { code: 'topic_not_found', offsets: [{ topic: missing, error: { code: 'topic_not_found' } }] },
    })
  })

  it('412s where the offsets have changed since the ETag, so that a shift that is sent again shifts once', async () => {
    const client = await gateway()
    const [topic, group] = [await hourly(), uniqueName('g')]
    await client.put(pathOf(group, '/offsets'), { to: { offset: 3 }, topics: [topic] })
    const etag = (await client.get(pathOf(group, '/offsets'))).headers.get('etag')!
    const headers = { 'if-match': etag }
    const shift = () => client.put(pathOf(group, '/offsets'), { to: { shift: 1 } }, { headers })
    expect((await shift()).status).toBe(200)
    expect(await shift()).toMatchObject({ status: 412, json: { code: 'precondition_failed' } })
    const deleted = await client.delete(pathOf(group, `/offsets?topic=${topic}`), { headers })
    expect(deleted.status).toBe(412)
    expect(await committed(group, topic)).toEqual([4, 4])
  })

  it('refuses what makes no sense, and says where', async () => {
    const client = await gateway()
    const topic = await makeTopic({}, cluster.bootstrap)
    const put = (body: unknown) => client.put(pathOf(uniqueName('g'), '/offsets'), body)
    const bad: [unknown, string][] = [
      [{}, '/to'],
      [{ to: 'now', topics: [topic] }, '/to'],
      [{ to: { offset: -1 }, topics: [topic] }, '/to/offset'],
      [{ to: { offset: 2 ** 53 }, topics: [topic] }, '/to/offset'],
      [{ to: { timestamp: 'yesterday' }, topics: [topic] }, '/to/timestamp'],
      [{ to: { timestamp: -2 }, topics: [topic] }, '/to/timestamp'],
      [{ to: { shift: 1.5 }, topics: [topic] }, '/to'],
      [{ to: { group: '' }, topics: [topic] }, '/to/group'],
      [{ to: 'latest', topics: [] }, '/topics'],
      [{ to: 'latest', topics: [topic, topic] }, '/topics'],
      [{ to: 'latest', topics: [topic], partitions: [{ topic, partition: 0 }] }, '/partitions/0'],
      [{ partitions: [{ topic, partition: 0 }] }, '/to'],
      [{ partitions: [{ topic, partition: -1, offset: 1 }] }, '/partitions/0/partition'],
      [{ to: 'latest', topic }, '/topic'],
    ]
    for (const [body, pointer] of bad) {
      const answer = await put(body)
      expect(answer.status, answer.text).toBe(422)
      const { errors } = answer.json as { errors: { pointer: string }[] }
      expect(
        errors.map((error) => error.pointer),
        JSON.stringify(body),
      ).toContain(pointer)
    }
    const codes: [unknown, number, string][] = [
      [{ to: 'latest', topics: ['no/name'] }, 422, 'invalid_request'],
      [{ to: 'latest', topics: ['__consumer_offsets'] }, 403, 'internal_topic'],
      [{ to: 'latest' }, 404, 'offset_not_committed'],
      [{ to: { group: uniqueName('g') }, topics: [topic] }, 404, 'group_not_found'],
      [{ to: { group: 'sluice-id-x' }, topics: [topic] }, 404, 'group_not_found'],
    ]
    for (const [body, status, code] of codes)
      expect(await put(body)).toMatchObject({ status, json: { code } })
  })

  it('takes any text for a name', async () => {
    const client = await gateway()
    const topic = await hourly()
    const unique = uniqueName('g')
    const names = [
      '/',
      'a/b c',
      '%2F',
      '%',
      'line\nfeed\r',
      '\0',
      'Ünïcode 😀',
      '?#&=+',
      ':group',
      'x'.repeat(6_000),
    ]
    for (const name of names.map((name) => name + unique)) {
      const path = pathOf(name, '/offsets')
      const put = await client.put(path, { to: { offset: 5 }, topics: [topic] })
      expect(put, name).toMatchObject({ status: 200, json: { group: name } })
      expect(await committed(name, topic)).toEqual([5, 5])
      expect((await client.get(path)).json).toMatchObject({ group: name, lag: 10 })
      const listed = await client.get(`/v1/groups?prefix=${encodeURIComponent(name)}`)
      expect(listed.json).toMatchObject({ groups: [{ group: name, state: 'Empty' }] })
      expect(await client.delete(pathOf(name))).toMatchObject({ status: 200, json: { group: name } })
      expect((await client.get(pathOf(name))).status).toBe(404)
    }
  }, 60_000)
})

describe('DELETE of a group and of its offsets', () => {
  it('deletes what kafka-consumer-groups no longer shows, and 404s for what it has deleted', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, other, group] = [await hourly(), await hourly(), uniqueName('g')]
    await commitByTool(group, { [topic]: [4, 6], [other]: [3] }, bootstrap)
    const path = pathOf(group, '/offsets')
    const one = { topic, partition: 1, before: 6, after: null, clamped: false }
    const query = `?topic=${topic}&partition=1`
    expect((await client.delete(`${path}${query}&dryRun=true`)).json).toEqual({
      group,
      offsets: [one],
      dryRun: true,
    })
    expect(await committed(group, topic)).toEqual([4, 6])
    expect((await client.delete(path + query)).json).toEqual({ group, offsets: [one], dryRun: false })
    expect(await client.delete(path + query)).toMatchObject({
      status: 404,
      json: { code: 'offset_not_committed' },
    })
    const rows = await groupTable(['--describe', '--group', group, '--offsets'], bootstrap)
    expect(rows.map((row) => `${row.TOPIC} ${row.PARTITION}`).sort()).toEqual(
      [`${topic} 0`, `${other} 0`].sort(),
    )
    await kafkaTool(
      'kafka-consumer-groups',
      ['--delete-offsets', '--group', group, '--topic', topic],
      bootstrap,
    )
    expect(await client.get(path)).toMatchObject({ json: { offsets: [{ topic: other, offset: 3 }] } })

    const lost = { topic: other, partition: 0, before: 3, after: null, clamped: false }
    const dry = await client.delete(`${pathOf(group)}?dryRun=true`)
    expect(dry.json).toEqual({ group, offsets: [lost], dryRun: true })
    expect((await client.delete(pathOf(group))).json).toEqual({ group, offsets: [lost], dryRun: false })
    expect(await client.delete(pathOf(group))).toMatchObject({
      status: 404,
      json: { code: 'group_not_found' },
    })
    const gone = await runTool('kafka-consumer-groups', ['--describe', '--group', group], bootstrap)
    expect(gone.stdout + gone.stderr).toMatch(/not found|does not exist/)

    await commitByTool(group, { [topic]: [1] }, bootstrap)
    await kafkaTool('kafka-consumer-groups', ['--delete', '--group', group], bootstrap)
    expect((await client.get(pathOf(group))).status).toBe(404)
  }, 60_000)

  it('409s with topic_subscribed for a topic that a member reads, and deletes the offsets of one that none does', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const [topic, other] = [await hourly(), await hourly()]
    const [classic, newer] = [uniqueName('g'), uniqueName('g')]
    await commitByTool(classic, { [other]: [3] }, bootstrap)
    await commitByTool(newer, { [other]: [3] }, bootstrap)
    await Promise.all([
      joinGroup(classic, [topic], { bootstrap }),
      startConsoleConsumer('consumer', { group: newer, topic, bootstrap }),
    ])
    for (const group of [classic, newer]) {
      await vi.waitFor(async () => expect(await committed(group, topic)).toEqual([10, 10]), 20_000)
      for (const dryRun of [true, false]) {
        const answer = await client.delete(pathOf(group, `/offsets?topic=${topic}&dryRun=${dryRun}`))
        expect(answer).toMatchObject({ status: 409, json: { code: 'topic_subscribed' } })
      }
      const deleted = await client.delete(pathOf(group, `/offsets?topic=${other}`))
      expect(deleted).toMatchObject({ status: 200, json: { offsets: [{ before: 3, after: null }] } })
      expect(await committed(group, other)).toEqual([-1, -1])
      expect(await committed(group, topic)).toEqual([10, 10])
    }
  }, 60_000)

  it('404s for the groups that hold transaction ids, which remember what they held', async () => {
    const client = await gateway()
    const topic = await makeTopic({}, cluster.bootstrap)
    const id = uniqueName('tx')
    const transaction = { id, records: [{ topic, value: 1 }] }
    expect((await client.post('/v1/transactions', transaction)).status).toBe(200)
    const group = `sluice-id-${id}`
    const answers = [
      await client.put(pathOf(group, '/offsets'), { to: 'latest' }),
      await client.delete(pathOf(group)),
      await client.delete(pathOf(group, `/offsets?topic=${topic}`)),
      await client.delete(pathOf(group, '/members/x')),
      await client.delete(pathOf(group, '/members?instanceId=x')),
    ]
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 404, json: { code: 'group_not_found' } })
    }
    expect((await client.post('/v1/transactions', transaction)).json).toMatchObject({ duplicate: true })
  })
})

describe('DELETE of a member', () => {
  interface Member {
    readonly member: string
    readonly instanceId: string | null
  }
  const membersOf = async (client: HttpClient, group: string) =>
    ((await client.get(pathOf(group))).json as { members: Member[] }).members

  it('gives its partitions to the others; one that runs joins again', async () => {
    const client = await gateway()
    const { bootstrap } = cluster
    const topic = await hourly()
    const [classic, newer] = [uniqueName('g'), uniqueName('g')]
    const properties = { 'group.instance.id': 'till-7' }
    await Promise.all([
      joinGroup(classic, [topic], { bootstrap }),
      startConsoleConsumer('consumer', { group: newer, topic, bootstrap, properties }),
    ])
    const [first] = await membersOf(client, classic)
    const path = pathOf(classic, `/members/${encodeURIComponent(first!.member)}`)
    expect((await client.delete(`${path}?dryRun=true`)).json).toMatchObject({ member: first, dryRun: true })
    expect(await membersOf(client, classic)).toEqual([first])
    expect(await client.delete(path)).toMatchObject({
      status: 200,
      json: { group: classic, member: first, dryRun: false },
    })
    await vi.waitFor(async () => {
      const [again] = await membersOf(client, classic)
      expect(again?.member).not.toBe(first!.member)
      expect(again).toMatchObject({ assignments: [{ topic, partitions: [0, 1] }] })
    }, 20_000)
    expect(await client.delete(path)).toMatchObject({ status: 404, json: { code: 'member_not_found' } })

    const byInstance = pathOf(newer, '/members?instanceId=till-7')
    expect(await client.delete(byInstance)).toMatchObject({
      status: 200,
      json: { member: { instanceId: 'till-7' } },
    })
    await vi.waitFor(async () => expect(await membersOf(client, newer)).toEqual([]), 20_000)
    expect(await client.delete(byInstance)).toMatchObject({ status: 404, json: { code: 'member_not_found' } })
    expect(await client.delete(pathOf(uniqueName('g'), '/members/x'))).toMatchObject({
      status: 404,
      json: { code: 'group_not_found' },
    })
  }, 60_000)
})
