import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets, membersOf } from '../support/groups.ts'
import { makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { numbered, produce, removeRecordsBelow, transact } from '../support/produce.ts'
import { Opcode, rawConnect, rawFrame, type RawClient } from '../support/raw-ws.ts'
import { connect, type WsClient } from '../support/ws.ts'

function owned(client: WsClient): number[] {
  const partitions = new Set<number>()
  for (const frame of client.frames) {
    if (frame.type === 'assigned') for (const { partition } of frame.partitions) partitions.add(partition)
    if (frame.type === 'revoked') for (const { partition } of frame.partitions) partitions.delete(partition)
  }
  return [...partitions].sort((a, b) => a - b)
}

/** Waits until two members have so many partitions each, all different. */
async function share(a: WsClient, b: WsClient, each: number): Promise<void> {
  await expect
    .poll(() => [owned(a).length, owned(b).length, new Set([...owned(a), ...owned(b)]).size], {
      interval: 10,
    })
    .toEqual([each, each, 2 * each])
}

function recordsOf(client: RawClient): number {
  const frames = client.messages.filter(({ type }) => type === 'records') as unknown as {
    records: unknown[]
  }[]
  return frames.reduce((sum, { records }) => sum + records.length, 0)
}

describe('a member of a group', () => {
  it('is assigned before its records, catches up once, and has what it received committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    await produce(topic, [...numbered(5), ...numbered(3, { partition: 1 })])
    const client = connect(gateway, { topics: topic, group, from: 'earliest' })
    await client.received(8)
    await expect.poll(() => committedOffsets(group, topic)).toEqual([5, 3])
    await client.frame('caughtUp')
    expect(client.frames[0]).toMatchObject({ type: 'assigned' })
    const types = client.frames.map(({ type }) => type).filter((type) => type !== 'records')
    expect(types.filter((type) => type !== 'committed')).toEqual(['assigned', 'caughtUp'])
    const receipts = new Map(
      client
        .all('committed')
        .flatMap(({ offsets }) => offsets.map(({ partition, offset }) => [partition, offset])),
    )
    expect(receipts).toEqual(
      new Map([
        [0, 5],
        [1, 3],
      ]),
    )
  })

  it('resumes after what was committed, at another gateway', async () => {
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(5))
    const first = connect(await startTestGateway(), { topics: topic, group, from: 'earliest' })
    await first.received(5)
    await first.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 5 })
    await first.close()
    await produce(topic, numbered(2, { from: 5 }))
    const second = connect(await startTestGateway(), { topics: topic, group, from: 'earliest' })
    expect((await second.frame('assigned')).partitions).toEqual([{ topic, partition: 0, offset: 5 }])
    await second.frame('caughtUp')
    expect(second.records.map(({ offset }) => offset)).toEqual([5, 6])
  })

  it('of a group that has committed nothing starts where `from` says, and that is committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, numbered(10))
    for (const [from, start] of [
      ['latest', [10, 0]],
      ['earliest', [0, 0]],
      ['-3', [7, 0]],
    ] as const) {
      const group = uniqueName('g')
      const client = connect(gateway, { topics: topic, group, from, ack: 'client' })
      const { partitions } = await client.frame('assigned')
      expect(partitions.toSorted((a, b) => a.partition - b.partition).map(({ offset }) => offset)).toEqual(
        start,
      )
      expect(await committedOffsets(group, topic)).toEqual(start)
    }
  })

  it('with ack=auto has nothing committed that no pong has proved, and gets all of it again', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const mute = await rawConnect(gateway, { topics: topic, group, from: 'earliest' })
    await mute.until('10 records', () => recordsOf(mute) === 10)
    await mute.until('a ping', () => mute.frames.some(({ opcode }) => opcode === Opcode.ping))
    // Answers to nothing that was asked.
    for (const payload of ['', 't', 't0', 't999', 'tNaN', 't1e3', 'x1', 't1 '])
      mute.send(rawFrame(Opcode.pong, payload))
    mute.sendJson({ type: 'ping' })
    await mute.until('an answer', () => mute.messages.some(({ code }) => code === 'unknown_type'))
    expect(await committedOffsets(group, topic), 'where it started').toEqual([0])
    mute.socket.destroy()
    const next = connect(gateway, { topics: topic, group })
    await next.received(10)
    expect(next.records.map(({ offset }) => offset)).toEqual([...Array(10).keys()])
    expect(mute.messages.map(({ type }) => type)).not.toContain('committed')
  })

  it('with ack=auto has committed what was sent before the ping that is answered, though earlier ones were not', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    const client = await rawConnect(gateway, { topics: topic, group, from: 'earliest' })
    const pings = () => client.frames.filter(({ opcode }) => opcode === Opcode.ping)
    for (let i = 1; i <= 3; i++) {
      await produce(topic, numbered(1, { from: i }))
      await client.until(`ping ${i}`, () => pings().length >= i)
    }
    client.send(rawFrame(Opcode.pong, pings()[1]!.payload))
    await client.until('receipt', () => client.messages.some(({ type }) => type === 'committed'))
    expect(await committedOffsets(group, topic)).toEqual([2])
  })

  it('with ack=client has nothing committed but what it acked', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(10)
    expect(await committedOffsets(group, topic)).toEqual([0])
    client.ack({ topic, partition: 0, offset: 6 })
    expect(await client.frame('committed')).toEqual({
      type: 'committed',
      offsets: [{ topic, partition: 0, offset: 7 }],
    })
    expect(await committedOffsets(group, topic)).toEqual([7])
    client.destroy()
    const next = connect(gateway, { topics: topic, group, ack: 'client' })
    await next.received(3)
    expect(next.records.map(({ offset }) => offset)).toEqual([7, 8, 9])
  })

  it('has what it acked just before it closed committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(10)
    client.ack({ topic, partition: 0, offset: 3 })
    client.ack({ topic, partition: 0, offset: 9 })
    await client.close()
    await expect.poll(() => committedOffsets(group, topic)).toEqual([10])
  })

  it('has no lag behind a transaction it has acked to its end', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await transact(topic, [[['a', 'b'], 'commit']])
    const options = { topics: topic, group, from: 'earliest', isolation: 'read_committed', ack: 'client' }
    const client = connect(gateway, options)
    await client.received(2)
    await client.frame('caughtUp')
    client.ack({ topic, partition: 0, offset: 1 })
    await client.frame('committed')
    expect(await committedOffsets(group, topic), 'past the marker').toEqual([3])
  })

  it('shares the partitions with a second one, which resumes what it takes', async () => {
    const gateway = await startTestGateway()
    const other = await startTestGateway()
    const topic = await makeTopic({ partitions: 4 })
    const group = uniqueName('g')
    const query = { topics: topic, group, from: 'earliest' }
    await produce(
      topic,
      [0, 1, 2, 3].flatMap((partition) => numbered(5, { partition })),
    )
    const a = connect(gateway, query)
    await a.received(20)
    await expect.poll(() => committedOffsets(group, topic)).toEqual([5, 5, 5, 5])
    const b = connect(other, query)
    await share(a, b, 2)
    expect(a.all('revoked')).toMatchObject([{ reason: 'rebalance' }])
    await produce(
      topic,
      [0, 1, 2, 3].flatMap((partition) => numbered(5, { partition, from: 5 })),
    )
    await b.received(10)
    await a.received(30)
    expect(b.records.map(({ offset }) => offset).toSorted((x, y) => x - y)).toEqual([
      5, 5, 6, 6, 7, 7, 8, 8, 9, 9,
    ])
    expect(new Set(b.records.map(({ partition }) => partition))).toEqual(new Set(owned(b)))
  })

  it('that gets no partition is told so, and takes over when the other goes', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const first = connect(gateway, query)
    await first.frame('caughtUp')
    const spare = connect(gateway, query)
    expect(await spare.frame('assigned')).toEqual({ type: 'assigned', partitions: [] })
    await first.close()
    await spare.frame('assigned', { from: 1 })
    await spare.frame('caughtUp')
    expect(spare.frames.map(({ type }) => type)).toEqual(['assigned', 'assigned', 'caughtUp'])
  })

  it('goes on at the earliest record where retention has passed the position, and that is committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const before = connect(gateway, { topics: topic, group, from: '2', ack: 'client' })
    await before.received(8)
    await before.close()
    await removeRecordsBelow(topic, 6)
    const client = connect(gateway, { topics: topic, group, ack: 'client' })
    await client.received(4)
    const types = client.frames.map(({ type }) => type).slice(0, 4)
    expect(types).toEqual(['assigned', 'error', 'assigned', 'records'])
    expect(client.all('error')).toMatchObject([
      { code: 'position_lost', bounds: { earliest: 6, latest: 10 } },
    ])
    expect(client.records.map(({ offset }) => offset)).toEqual([6, 7, 8, 9])
    expect(await committedOffsets(group, topic)).toEqual([6])
  })

  it('goes on where the position lies past the end: nothing is skipped', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(3))
    const client = connect(gateway, { topics: topic, group, from: '99' })
    await client.received(3)
    expect(client.all('error')).toMatchObject([{ code: 'position_lost' }])
    await expect.poll(() => committedOffsets(group, topic)).toEqual([3])
  })

  it('loses a topic that is deleted and keeps the others', async () => {
    const gateway = await startTestGateway()
    const [topic, kept] = [await makeTopic(), await makeTopic()]
    const group = uniqueName('g')
    const client = connect(gateway, { topics: `${topic},${kept}`, group })
    await client.frame('caughtUp')
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))
    await client.frame('revoked', { where: ({ partitions }) => partitions[0]!.topic === topic })
    await produce(kept, numbered(1))
    await client.received(1)
  })

  it('reads a topic that was made again from its start, whatever `from` says', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(5))
    const client = connect(gateway, { topics: topic, group, from: 'latest' })
    await client.frame('caughtUp')
    await withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: [topic] })
      await expect.poll(() => admin.listTopics()).not.toContain(topic)
      await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] })
    })
    await produce(topic, numbered(3))
    await client.received(3)
    expect(client.records.map(({ offset }) => offset)).toEqual([0, 1, 2])
    await expect.poll(() => committedOffsets(group, topic)).toEqual([3])
  })

  it('reads partitions that are added from their start, though `from` is latest', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic, group: uniqueName('g'), from: 'latest' })
    await client.frame('caughtUp')
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] }))
    await produce(topic, numbered(3, { partition: 1 }))
    await client.received(3)
  })

  it('is never left behind in the group by a socket that closes while it joins', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    const query = { topics: topic, group, from: 'earliest' }
    const stays = connect(gateway, query)
    await stays.frame('caughtUp')
    for (let i = 0; i < 20; i++) {
      const client = await connect(gateway, query).opened()
      // Some at once, some a little later: at every step of joining.
      for (let turn = 0; turn < i * 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      if (i % 2 === 0) client.destroy()
      else void client.close()
    }
    await expect.poll(() => membersOf(group), { timeout: 5_000 }).toBe(1)
    await expect.poll(() => owned(stays)).toEqual([0, 1])
  })
})
