import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets, membersOf } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, placesOf, type WsClient } from '../support/ws.ts'
import { owned, shared } from '../support/ws-ledger.ts'

const kinds = [
  ['in a group', () => ({ group: uniqueName('g') })],
  ['in a group, acking', () => ({ group: uniqueName('g'), ack: 'client' })],
  ['without a group', () => ({})],
] as [string, () => Record<string, string>][]

/** Has a command answered: everything that comes before the answer has come. */
async function say(client: WsClient, type: 'pause' | 'resume', partitions?: object[]): Promise<unknown> {
  const from = client.frames.length
  client.send({ type, partitions })
  const answer = await client.frame(type === 'pause' ? 'paused' : 'resumed', { from })
  return answer.partitions
}

/** The offsets of one partition's records, in the order they came in. */
function offsetsOf(client: WsClient, partition: number): number[] {
  return client.records.filter((record) => record.partition === partition).map(({ offset }) => offset)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

describe.each(kinds)('pausing, %s,', (_, kind) => {
  it('holds back the records of the partition until it is resumed, and none is lost or comes twice', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(3), ...numbered(3, { partition: 1 })])
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    await client.frame('caughtUp')
    expect(await say(client, 'pause', [{ topic, partition: 0 }])).toEqual([{ topic, partition: 0 }])
    await produce(topic, [...numbered(3), ...numbered(3, { partition: 1 })])
    await client.until('the other partition', () => offsetsOf(client, 1).length === 6)
    await produce(topic, numbered(1, { partition: 1 }))
    await client.until('one more', () => offsetsOf(client, 1).length === 7)
    expect(offsetsOf(client, 0)).toEqual([0, 1, 2])
    expect(await say(client, 'resume', [{ topic, partition: 0 }])).toEqual([{ topic, partition: 0 }])
    await client.until('the rest', () => offsetsOf(client, 0).length === 6)
    expect(offsetsOf(client, 0)).toEqual(upTo(6))
  })

  it('stops within a batch that is on its way, again and again, and each record comes once', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(150, { size: 4_000 }), ...numbered(150, { partition: 1, size: 4_000 })])
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    await client.received(1)
    for (let n = 0; client.records.length < 300; n++) {
      const partitions = n % 3 === 2 ? undefined : [{ topic, partition: n % 3 }]
      await say(client, 'pause', partitions)
      const before = [offsetsOf(client, 0).length, offsetsOf(client, 1).length]
      await say(client, 'resume', partitions)
      for (const partition of partitions === undefined ? [0, 1] : [n % 3])
        expect(offsetsOf(client, partition), 'nothing in between').toHaveLength(before[partition]!)
      await client.until(
        'more',
        () => client.records.length > before[0]! + before[1]! || client.records.length === 300,
      )
    }
    expect(offsetsOf(client, 0)).toEqual(upTo(150))
    expect(offsetsOf(client, 1)).toEqual(upTo(150))
  })

  it('of everything is also of what is assigned later', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(3))
    const client = await connect(gateway).opened()
    client.send({ type: 'subscribe', topics: [topic], from: 'earliest', ...kind() })
    expect(await say(client, 'pause')).toEqual([])
    expect((await client.frame('assigned')).partitions).toEqual([{ topic, partition: 0, offset: 0 }])
    expect(await say(client, 'pause')).toEqual([{ topic, partition: 0 }])
    expect(client.records).toEqual([])
    expect(await say(client, 'resume')).toEqual([{ topic, partition: 0 }])
    await client.received(3)
    await client.frame('caughtUp')
  })

  it.each(['pause', 'resume'] as const)(
    'a partition that is not assigned: %s is an error, and the socket lives',
    async (type) => {
      const gateway = await startTestGateway()
      const topic = await makeTopic()
      const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
      await client.frame('caughtUp')
      const partitions = [
        { topic, partition: 0 },
        { topic, partition: 1 },
      ]
      // More often than a client may make mistakes.
      for (let n = 0; n < 12; n++) client.send({ type, partitions })
      await client.until('twelve errors', () => client.all('error').length === 12)
      for (const error of client.all('error'))
        expect(error).toMatchObject({ code: 'not_assigned', ref: type })
      await produce(topic, numbered(1))
      await client.received(1)
      expect(client.all('paused')).toEqual([])
    },
  )
})

describe('a paused member of a group', () => {
  it('stays in it past its session timeout, has its acks committed, and goes on', async () => {
    const sessionTimeoutMs = 6_000
    const gateway = await startTestGateway({ SLUICE_GROUP_SESSION_TIMEOUT_MS: String(sessionTimeoutMs) })
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(3))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(3)
    await say(client, 'pause')
    const since = performance.now()
    await expect
      .poll(() => performance.now() - since, { timeout: 10_000, interval: 200 })
      .toBeGreaterThan(sessionTimeoutMs * 1.2)
    expect(await membersOf(group)).toBe(1)
    client.ack({ topic, partition: 0, offset: 1 })
    await client.frame('committed')
    expect(await committedOffsets(group, topic)).toEqual([2])
    await produce(topic, numbered(1))
    await say(client, 'resume')
    await client.received(4)
    expect(client.all('revoked')).toEqual([])
  })

  it('can be told so right behind `subscribe`, though its place in the group is still looked up', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    const client = await connect(gateway).opened()
    client.send({
      type: 'subscribe',
      topics: [topic],
      group: uniqueName('g'),
      from: 'earliest',
      grace: 5_000,
    })
    client.send({ type: 'pause' })
    client.send({ type: 'seek', topic, offset: 1 })
    expect(await client.frame('paused')).toEqual({ type: 'paused', partitions: [] })
    expect(await client.frame('error')).toMatchObject({ code: 'not_assigned', ref: 'seek' })
    await client.frame('assigned')
    await say(client, 'pause')
    expect(client.records).toEqual([])
    await say(client, 'resume')
    await client.received(2)
  })

  it('gives its partitions up in a rebalance, where they are read; had again, they are not paused', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const paused = connect(gateway, query)
    await paused.frame('caughtUp')
    await say(paused, 'pause', [
      { topic, partition: 0 },
      { topic, partition: 1 },
    ])
    const other = connect(gateway, query)
    await shared([paused, other], 1)
    await produce(topic, [...numbered(2), ...numbered(2, { partition: 1 })])
    await other.received(2)
    expect(new Set(other.records.map(({ partition }) => partition))).toEqual(new Set(owned(other)))
    expect(paused.records).toEqual([])
    await other.close()
    await paused.until('both', () => owned(paused).length === 2)
    await produce(topic, [...numbered(1), ...numbered(1, { partition: 1 })])
    await paused.received(1)
    const [kept] = placesOf(paused.records)
    expect(kept).not.toBe(undefined)
    expect(
      new Set(paused.records.map(({ partition }) => partition)).size,
      'the one that was kept is paused',
    ).toBe(1)
  })
})
