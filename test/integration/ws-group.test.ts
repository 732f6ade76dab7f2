import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets, membersOf } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce, transact } from '../support/produce.ts'
import { Opcode, rawConnect, rawFrame, type RawClient } from '../support/raw-ws.ts'
import { connect } from '../support/ws.ts'
import { owned, shared } from '../support/ws-ledger.ts'

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

  it('has all that it acked before it closed committed, however much that was', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(500))
    const client = await rawConnect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.until('500 records', () => recordsOf(client) === 500)
    const acks = Array.from({ length: 500 }, (_, offset) =>
      rawFrame(Opcode.text, JSON.stringify({ type: 'ack', offsets: [{ topic, partition: 0, offset }] })),
    )
    client.send(...acks, rawFrame(Opcode.close))
    await expect.poll(() => committedOffsets(group, topic)).toEqual([500])
  })

  it('that acks nothing leaves the group where it began, for the next to begin', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const query = { topics: topic, group: uniqueName('g'), from: 'latest', ack: 'client' }
    const first = connect(gateway, query)
    await first.frame('assigned')
    await produce(topic, [...numbered(5), ...numbered(5, { partition: 1 })])
    await first.received(10)
    const second = connect(gateway, query)
    await shared([first, second], 1)
    await second.received(5)
    expect(second.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4])
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
    await shared([a, b], 2)
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
