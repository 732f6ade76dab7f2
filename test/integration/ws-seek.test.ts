import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce, removeRecordsBelow } from '../support/produce.ts'
import { connect, type FrameOf, type WsClient } from '../support/ws.ts'
import { owned } from '../support/ws-ledger.ts'

const kinds = [
  ['in a group', () => ({ group: uniqueName('g') })],
  ['in a group, acking', () => ({ group: uniqueName('g'), ack: 'client' })],
  ['without a group', () => ({})],
] as [string, () => Record<string, string>][]

/** Sends a seek and waits for its answer. */
async function seek(client: WsClient, to: object): Promise<FrameOf<'assigned'>['partitions']> {
  const from = client.frames.length
  client.send({ type: 'seek', ...to })
  return (await client.frame('assigned', { from })).partitions
}

/** Waits until everything is read that the last `assigned` named. */
async function caughtUp(client: WsClient): Promise<void> {
  await client.frame('caughtUp', { from: client.frames.findLastIndex(({ type }) => type === 'assigned') })
}

/** The offsets that came after the last `assigned`. */
function sinceAssigned(client: WsClient): number[] {
  const last = client.frames.findLastIndex(({ type }) => type === 'assigned')
  return client.frames
    .slice(last)
    .flatMap((frame) => (frame.type === 'records' ? frame.records : []))
    .map(({ offset }) => offset)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n)
}

describe.each(kinds)('a seek, %s,', (_, kind) => {
  it('goes to an offset, a time or any start position; nothing of where it was comes after the answer', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const time = 1_700_000_000_000
    await produce(
      topic,
      range(0, 10).map((n) => ({ value: `v${n}`, timestamp: String(time + n * 1_000) })),
    )
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    await client.received(10)
    const targets: [to: object, offset: number][] = [
      [{ offset: 7 }, 7],
      [{ partition: 0, offset: 0 }, 0],
      [{ timestamp: time + 2_500 }, 3],
      [{ from: '-2' }, 8],
      [{ from: 'earliest' }, 0],
      [{ from: 'latest' }, 10],
      [{ from: '4' }, 4],
      [{ from: `@${time + 9_000}` }, 9],
      [{ from: new Date(time + 1_000).toISOString() }, 1],
    ]
    for (const [to, offset] of targets) {
      expect(await seek(client, { topic, ...to })).toEqual([{ topic, partition: 0, offset }])
      await caughtUp(client)
      expect(sinceAssigned(client)).toEqual(range(offset, 10))
    }
    await produce(topic, numbered(1))
    await client.until('what is new', () => sinceAssigned(client).at(-1) === 10)
    expect(client.all('error')).toEqual([])
  })

  it('moves all partitions of its topic, or the one it names, and no other', async () => {
    const gateway = await startTestGateway()
    const [topic, other] = [await makeTopic({ partitions: 2 }), await makeTopic()]
    await produce(topic, [...numbered(3), ...numbered(3, { partition: 1 })])
    await produce(other, numbered(3))
    const client = connect(gateway, { topics: `${topic},${other}`, from: 'earliest', ...kind() })
    await client.received(9)
    expect(await seek(client, { topic, partition: 1, offset: 1 })).toEqual([
      { topic, partition: 1, offset: 1 },
    ])
    await client.received(11)
    const both = await seek(client, { topic, from: '-1' })
    expect(both.toSorted((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0, offset: 2 },
      { topic, partition: 1, offset: 2 },
    ])
    await client.received(13)
    await produce(other, numbered(1))
    await client.received(14)
    expect(
      client.records
        .slice(9)
        .map(({ topic: t, partition, offset }) => [t, partition, offset])
        .toSorted(),
    ).toEqual(
      [
        [topic, 1, 1],
        [topic, 1, 2],
        [topic, 0, 2],
        [topic, 1, 2],
        [other, 0, 3],
      ].toSorted(),
    )
  })

  it('is one after the other: the last one counts, and each is answered', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(20))
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    await client.received(20)
    // The first has to ask Kafka, the second knows at once.
    client.send({ type: 'seek', topic, timestamp: 1 })
    client.send({ type: 'seek', topic, offset: 15 })
    await client.until('both', () => client.all('assigned').length === 3)
    await caughtUp(client)
    expect(
      client
        .all('assigned')
        .slice(1)
        .map(({ partitions }) => partitions[0]!.offset),
    ).toEqual([0, 15])
    await client.until('the end', () => sinceAssigned(client).length === 5)
    expect(sinceAssigned(client)).toEqual(range(15, 20))
  })

  it('in the midst of a stream leaves out nothing and repeats nothing of where it goes', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic()
    await produce(topic, numbered(250, { size: 4_000 }))
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    for (let n = 0; n < 10; n++) {
      const before = client.records.length
      await client.received(before + 1)
      const offset = (n * 37) % 200
      await seek(client, { topic, partition: 0, offset })
      await client.received(client.records.length + 1)
      const since = sinceAssigned(client)
      expect(since).toEqual(range(offset, offset + since.length))
    }
    const count = () => sinceAssigned(client).length
    await client.until('the end', () => sinceAssigned(client).at(-1) === 249)
    expect(sinceAssigned(client)).toEqual(range(250 - count(), 250))
  })

  it('out of the log is told, and reading goes on at the earliest record', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const query = { topics: topic, from: 'latest', ...kind() }
    await produce(topic, numbered(10))
    await removeRecordsBelow(topic, 6)
    const client = connect(gateway, query)
    await client.frame('caughtUp')
    for (const offset of [2, 1_000_000]) {
      const from = client.frames.length
      expect(await seek(client, { topic, offset })).toEqual([{ topic, partition: 0, offset }])
      expect(await client.frame('error', { from })).toMatchObject({
        code: 'position_lost',
        topic,
        partition: 0,
        bounds: { earliest: 6, latest: 10 },
      })
      await client.frame('assigned', { from, where: ({ partitions }) => partitions[0]!.offset === 6 })
      await caughtUp(client)
      expect(sinceAssigned(client)).toEqual([6, 7, 8, 9])
    }
  })

  it('of a paused partition leaves it paused; resumed, it begins there', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, numbered(5))
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    await client.received(5)
    client.send({ type: 'pause', partitions: [{ topic, partition: 0 }] })
    await client.frame('paused')
    await seek(client, { topic, partition: 0, offset: 3 })
    await produce(topic, numbered(1, { partition: 1 }))
    await client.received(6)
    expect(client.records.at(-1)).toMatchObject({ partition: 1 })
    client.send({ type: 'resume' })
    await client.received(8)
    expect(sinceAssigned(client).slice(1)).toEqual([3, 4])
  })

  it.each([{ partition: 7 }, {}])(
    'to what is not assigned is an error, and reading goes on: %j',
    async (partition) => {
      const gateway = await startTestGateway()
      const topic = await makeTopic()
      const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
      await client.frame('caughtUp')
      const name = 'partition' in partition ? topic : 'other'
      for (let n = 0; n < 12; n++) client.send({ type: 'seek', topic: name, ...partition, offset: 0 })
      await client.until('twelve errors', () => client.all('error').length === 12)
      for (const error of client.all('error'))
        expect(error).toMatchObject({ code: 'not_assigned', ref: 'seek' })
      await produce(topic, numbered(1))
      await client.received(1)
    },
  )

  it('is refused where too many wait for Kafka, and the socket lives', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const client = connect(gateway, { topics: topic, from: 'earliest', ...kind() })
    await client.received(1)
    for (let n = 0; n < 100; n++) client.send({ type: 'seek', topic, timestamp: 1 })
    const answers = () => client.all('assigned').length - 1 + client.all('error').length
    await client.until('all answers', () => answers() === 100)
    expect(client.all('error').length).toBeGreaterThan(0)
    for (const error of client.all('error'))
      expect(error).toMatchObject({ code: 'too_many_seeks', ref: 'seek', retryable: true })
    await produce(topic, numbered(1))
    await client.until('what is new', () => client.records.at(-1)?.offset === 1)
  })
})

describe('a seek in a group', () => {
  it('commits nothing; what was acked before is committed, and acks of what comes again go back', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(10)
    client.ack({ topic, partition: 0, offset: 7 })
    await seek(client, { topic, offset: 2 })
    await client.frame('committed')
    await client.received(18)
    expect(await committedOffsets(group, topic)).toEqual([8])
    client.ack({ topic, partition: 0, offset: 3 })
    await client.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 4 })
    expect(await committedOffsets(group, topic)).toEqual([4])
    await seek(client, { topic, from: 'latest' })
    await produce(topic, numbered(1))
    await client.received(19)
    expect(await committedOffsets(group, topic)).toEqual([4])
    expect(client.all('error')).toEqual([])
  })

  it('makes acks of what was sent before it errors, and the socket lives', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 1 })
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(10)
    client.send({ type: 'pause' })
    await seek(client, { topic, offset: 2 })
    client.ack({ topic, partition: 0, offset: 9 })
    expect(await client.frame('error')).toMatchObject({ code: 'unknown_delivery', ref: 'ack' })
    client.send({ type: 'resume' })
    await client.received(18)
    client.ack({ topic, partition: 0, offset: 2 })
    await client.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 3 })
    expect(await committedOffsets(group, topic)).toEqual([3])
  })

  it('by pongs commits what comes again, and goes back', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, from: 'earliest' })
    await client.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 10 })
    client.send({ type: 'pause' })
    await seek(client, { topic, offset: 4 })
    expect(await committedOffsets(group, topic)).toEqual([10])
    const from = client.frames.length
    client.send({ type: 'resume' })
    await client.frame('committed', { from })
    await expect.poll(() => committedOffsets(group, topic)).toEqual([10])
    expect(client.records.slice(10).map(({ offset }) => offset)).toEqual(range(4, 10))
  })

  it('out of the log moves nothing that the group has committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(10)
    client.ack({ topic, partition: 0, offset: 4 })
    await client.frame('committed')
    await seek(client, { topic, offset: 99 })
    await client.frame('error')
    await client.received(20)
    expect(await committedOffsets(group, topic)).toEqual([5])
    client.ack({ topic, partition: 0, offset: 0 })
    await client.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 1 })
    expect(await committedOffsets(group, topic)).toEqual([1])
  })

  it('that crosses a rebalance is for what the member still has, and the other reads where the group committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 6 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest', ack: 'client' }
    await produce(
      topic,
      range(0, 6).flatMap((partition) => numbered(20, { partition })),
    )
    const a = connect(gateway, query)
    await a.received(120)
    let others = 0
    // Seeks at every moment of several rebalances.
    for (let round = 0; round < 4; round++) {
      const b = connect(gateway, query)
      while (owned(b).length < 3) {
        a.send({ type: 'seek', topic, timestamp: 1 })
        const from = a.frames.length
        await a.until('an answer', () =>
          a.frames.slice(from).some(({ type }) => type === 'assigned' || type === 'error'),
        )
        await b.until('a frame', () => true)
        await new Promise((resolve) => setImmediate(resolve))
      }
      for (const { partitions } of b.all('assigned')) {
        for (const { offset } of partitions) expect(offset, 'nothing was committed').toBe(0)
      }
      others++
      await b.close()
      await a.until('all again', () => owned(a).length === 6)
    }
    expect(others).toBe(4)
    const held = new Set<string>()
    for (const frame of a.frames) {
      if (frame.type === 'assigned') for (const { partition } of frame.partitions) held.add(String(partition))
      if (frame.type === 'revoked')
        for (const { partition } of frame.partitions) held.delete(String(partition))
      if (frame.type === 'records')
        for (const { partition } of frame.records) expect(held).toContain(String(partition))
    }
  })
})
