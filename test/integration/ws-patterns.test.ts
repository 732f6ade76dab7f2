import { describe, expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, type WsClient } from '../support/ws.ts'

/** Longer than it takes a topic to be noticed, and the group to rebalance. */
const NOTICED_MS = 15_000

/** Makes a topic whose name begins with a prefix. */
function makeNamed(name: string, partitions = 1): Promise<string> {
  return makeTopic({ name, partitions })
}

function assignedTopics(client: WsClient): string[] {
  const topics = new Set<string>()
  for (const frame of client.frames) {
    if (frame.type === 'assigned') for (const { topic } of frame.partitions) topics.add(topic)
    if (frame.type === 'revoked') for (const { topic } of frame.partitions) topics.delete(topic)
  }
  return [...topics].sort()
}

const kinds = [
  ['in a group', () => ({ group: uniqueName('g') })],
  ['without a group', () => ({})],
] as [string, () => Record<string, string>][]

describe.each(kinds)('a pattern, %s,', (_, kind) => {
  it('is the topics that match and no other; one made later joins in from its start', async () => {
    const gateway = await startTestGateway()
    const prefix = uniqueName('logs')
    const [a, b] = [await makeNamed(`${prefix}-a`), await makeNamed(`${prefix}-b`, 2)]
    const [other, named] = [await makeTopic(), await makeTopic()]
    for (const topic of [a, b, other, named]) await produce(topic, numbered(2))
    const client = connect(gateway, { topics: `${prefix}-*,${named}`, from: 'earliest', ...kind() })
    await client.received(6)
    await client.frame('caughtUp')
    expect(assignedTopics(client)).toEqual([a, b, named].sort())
    const c = await makeNamed(`${prefix}-c`)
    await produce(c, numbered(3))
    await client.received(9, NOTICED_MS)
    expect(client.records.slice(6).map(({ topic, offset }) => [topic, offset])).toEqual(
      [0, 1, 2].map((n) => [c, n]),
    )
    await produce(a, numbered(1))
    await client.received(10)
    expect(client.all('error')).toEqual([])
  })

  it('that matches nothing waits for what will, and reads all of it, whatever `from` says', async () => {
    const gateway = await startTestGateway()
    const prefix = uniqueName('none')
    const client = connect(gateway, { topics: `${prefix}*`, from: 'latest', ...kind() })
    expect(await client.frame('assigned')).toEqual({ type: 'assigned', partitions: [] })
    const topic = await makeNamed(`${prefix}-a`)
    await produce(topic, numbered(3))
    await client.received(3, NOTICED_MS)
    await client.frame('caughtUp')
    expect(client.records.map(({ offset }) => offset)).toEqual([0, 1, 2])
  })

  it('lets a topic go that is deleted, and reads one made again in its place from its start', async () => {
    const gateway = await startTestGateway()
    const prefix = uniqueName('gone')
    const [a, b] = [await makeNamed(`${prefix}-a`), await makeNamed(`${prefix}-b`)]
    await produce(a, numbered(2))
    const client = connect(gateway, { topics: `${prefix}*`, from: 'earliest', ...kind() })
    await client.received(2)
    await client.until('both', () => assignedTopics(client).length === 2)
    await withAdmin((admin) => admin.deleteTopics({ topics: [a] }))
    await client.frame('revoked', {
      ms: NOTICED_MS,
      where: ({ partitions }) => partitions.some(({ topic }) => topic === a),
    })
    await produce(b, numbered(1))
    await client.received(3)
    await makeNamed(a)
    await produce(a, numbered(1, { from: 7 }))
    await client.received(4, NOTICED_MS)
    expect(client.records.at(-1)).toMatchObject({ topic: a, offset: 0, value: 'v7' })
    expect(client.all('error')).toEqual([])
  })

  it('that reaches too many topics is refused with what is wrong', async () => {
    const gateway = await startTestGateway()
    const prefix = uniqueName('many')
    const topics = Array.from({ length: 251 }, (_, n) => `${prefix}-${n}`)
    await withAdmin(async (admin) => {
      await admin.createTopics({
        waitForLeaders: false,
        topics: topics.map((topic) => ({ topic, numPartitions: 1 })),
      })
      await expect
        .poll(async () => (await admin.listTopics()).filter((t) => t.startsWith(prefix)).length)
        .toBe(251)
    })
    onTestFinished(() => withAdmin((admin) => admin.deleteTopics({ topics })))
    const client = connect(gateway, { topics: `${prefix}*`, ...kind() })
    expect(await client.closed).toMatchObject({ code: 4422 })
    expect(client.frames).toMatchObject([
      {
        type: 'error',
        code: 'invalid_subscription',
        errors: [{ parameter: 'topics', reason: expect.stringContaining('at most 250') as string }],
      },
    ])
  })
})

describe('a pattern without a group', () => {
  it('resumes by its cursor, and reads what has come since from its start', async () => {
    const gateway = await startTestGateway()
    const prefix = uniqueName('cur')
    const [a, b] = [await makeNamed(`${prefix}-a`), await makeNamed(`${prefix}-b`)]
    for (const topic of [a, b]) await produce(topic, numbered(2))
    const client = connect(gateway, { topics: `${prefix}*`, from: 'earliest' })
    await client.received(4)
    const { cursor } = client.all('records').at(-1)!
    await client.close()
    await withAdmin((admin) => admin.deleteTopics({ topics: [b] }))
    const c = await makeNamed(`${prefix}-c`)
    for (const topic of [a, c]) await produce(topic, numbered(1))
    const resumed = connect(await startTestGateway(), { topics: `${prefix}*`, cursor: cursor! })
    await resumed.received(2)
    await resumed.frame('caughtUp')
    expect(resumed.records.map(({ topic, offset }) => [topic, offset]).sort()).toEqual([
      [a, 2],
      [c, 0],
    ])
    expect(resumed.all('error')).toEqual([])
  })
})

describe('a pattern in a group', () => {
  it('shares what comes later with the others, of whatever subscriptions, and commits it', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const prefix = uniqueName('grp')
    const group = uniqueName('g')
    const named = await makeTopic({ partitions: 2 })
    const members = [
      connect(gateways[0]!, { topics: `${prefix}*`, group, from: 'earliest' }),
      connect(gateways[1]!, { topics: `${prefix}*,${named}`, group, from: 'earliest' }),
    ]
    await Promise.all(members.map((member) => member.frame('assigned')))
    const topic = await makeNamed(`${prefix}-a`, 4)
    await produce(
      topic,
      [0, 1, 2, 3].flatMap((partition) => numbered(5, { partition })),
    )
    await expect.poll(() => committedOffsets(group, topic), { timeout: NOTICED_MS }).toEqual([5, 5, 5, 5])
    await members[0]!.until('a share', () => assignedTopics(members[0]!).length === 1, NOTICED_MS)
    await produce(named, numbered(2))
    await members[1]!.until('its own topic', () =>
      members[1]!.records.some((record) => record.topic === named),
    )
    expect(members[0]!.records.every((record) => record.topic === topic)).toBe(true)
    for (const member of members) expect(member.all('error')).toEqual([])
  })
})

describe('positions', () => {
  it('are where these partitions start; the others start at `from`', async () => {
    const gateway = await startTestGateway()
    const [topic, other] = [await makeTopic({ partitions: 2 }), await makeTopic()]
    await produce(topic, [...numbered(5), ...numbered(5, { partition: 1 })])
    await produce(other, numbered(5))
    const client = await connect(gateway).opened()
    client.send({
      type: 'subscribe',
      topics: [topic, other],
      from: '-1',
      positions: [{ topic, partition: 1, offset: 2 }],
    })
    const { partitions } = await client.frame('assigned')
    expect(partitions).toHaveLength(3)
    expect(partitions).toEqual(
      expect.arrayContaining([
        { topic, partition: 0, offset: 4 },
        { topic, partition: 1, offset: 2 },
        { topic: other, partition: 0, offset: 4 },
      ]),
    )
    await client.received(5)
  })

  it('of a partition that is not there end the socket with what is wrong', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = await connect(gateway).opened()
    client.send({ type: 'subscribe', topics: [topic], positions: [{ topic, partition: 1, offset: 0 }] })
    expect(await client.closed).toMatchObject({ code: 4422 })
    expect(client.frames).toMatchObject([
      { code: 'invalid_subscription', errors: [{ parameter: 'positions' }] },
    ])
  })

  it('together with a cursor or a group are refused, and the socket lives', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const positions = [{ topic, partition: 0, offset: 0 }]
    const client = await connect(gateway).opened()
    client.send({ type: 'subscribe', topics: [topic], positions, group: uniqueName('g') })
    client.send({ type: 'subscribe', topics: [topic], positions, cursor: 'AQ' })
    client.send({ type: 'subscribe', topics: [topic], positions: [{ topic, partition: 0, offset: -1 }] })
    await client.until('three errors', () => client.all('error').length === 3)
    expect(client.all('error')).toMatchObject([
      { code: 'invalid_subscription', ref: 'subscribe' },
      { code: 'invalid_subscription', ref: 'subscribe' },
      { code: 'invalid_request', ref: 'subscribe' },
    ])
    client.send({ type: 'subscribe', topics: [topic], positions })
    await client.frame('caughtUp')
  })
})
