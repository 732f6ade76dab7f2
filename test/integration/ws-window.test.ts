import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, type WsClient } from '../support/ws.ts'

function offsetsOf(client: WsClient, partition = 0): number[] {
  return client.records.filter((record) => record.partition === partition).map(({ offset }) => offset)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}

/** Time for the gateway to send what it should not: it answers several times, one after the other. */
async function idle(client: WsClient): Promise<void> {
  for (let n = 0; n < 3; n++) {
    const from = client.frames.length
    client.send({ type: 'pause', partitions: [{ topic: 'none', partition: 0 }] })
    await client.frame('error', { from, where: ({ ref }) => ref === 'pause' })
  }
}

const acking = { ack: 'client', from: 'earliest' }

describe('a window of records', () => {
  it('holds so many that are not acked; an ack lets as many follow, and none is lost', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    await produce(topic, [...numbered(40), ...numbered(40, { partition: 1 })])
    let most = 0
    let acked = 0
    const client = connect(gateway, { topics: topic, group, window: '7', ...acking })
    while (acked < 80) {
      await client.until('a full window', () => client.records.length === Math.min(acked + 7, 80))
      most = Math.max(most, client.records.length - acked)
      client.ack(client.records[acked++]!)
    }
    expect(most).toBe(7)
    expect(offsetsOf(client)).toEqual(upTo(40))
    expect(offsetsOf(client, 1)).toEqual(upTo(40))
    await expect.poll(() => committedOffsets(group, topic)).toEqual([40, 40])
  })

  it('is filled by a subscription in the first frame as by one in the URL', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    const client = await connect(gateway).opened()
    client.send({ type: 'subscribe', topics: [topic], group: uniqueName('g'), window: 3, ...acking })
    await client.received(3)
    await idle(client)
    expect(client.records).toHaveLength(3)
  })

  it('is given back by a seek, and what comes again is acked', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, group, window: '3', ...acking })
    await client.received(3)
    client.send({ type: 'seek', topic, offset: 5 })
    await client.received(6)
    client.ack({ topic, partition: 0, offset: 6 })
    await client.received(8)
    expect(offsetsOf(client)).toEqual([0, 1, 2, 5, 6, 7, 8, 9])
    await client.frame('committed')
    expect(await committedOffsets(group, topic)).toEqual([7])
  })

  it('does not count against a partition that the others took', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(5), ...numbered(5, { partition: 1 })])
    const query = { topics: topic, group: uniqueName('g'), window: '4', ...acking }
    const a = connect(gateway, query)
    await a.received(4)
    const b = connect(gateway, query)
    await b.received(4)
    const revoked = (await a.frame('revoked')).partitions[0]!.partition
    const kept = 1 - revoked
    await a.until('the rest of its own', () => offsetsOf(a, kept).length >= 4)
    await a.until('acked', () => {
      const last = offsetsOf(a, kept).at(-1)
      if (last !== undefined) a.ack({ topic, partition: kept, offset: last })
      return offsetsOf(a, kept).length === 5
    })
    expect(offsetsOf(a, kept)).toEqual(upTo(5))
  })

  it.each([
    ['in a group', { group: 'yes' }],
    ['without a group', {}],
  ])('goes on by itself as pongs prove what was received, %s', async (_, how) => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    await produce(topic, [...numbered(150), ...numbered(150, { partition: 1 })])
    const query = { topics: topic, from: 'earliest', window: '10', ...('group' in how ? { group } : {}) }
    const deaf = connect(gateway, query, { autoPong: false })
    await deaf.received(10)
    const pings: Buffer[] = []
    deaf.socket.on('ping', (data: Buffer) => void pings.push(data))
    await idle(deaf)
    expect(deaf.records, 'without a pong').toHaveLength(10)
    deaf.destroy()
    const client = connect(gateway, query)
    await client.until(
      'all',
      () => new Set(client.records.map(({ partition, offset }) => `${partition}:${offset}`)).size === 300,
    )
    expect(offsetsOf(client)).toEqual(upTo(150))
    expect(offsetsOf(client, 1)).toEqual(upTo(150))
    const sizes = client.all('records').map(({ records }) => records.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10)
    await client.frame('caughtUp')
  })

  it('of bytes counts the JSON as it is sent, and a larger record passes alone', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, [...numbered(20), { partition: 0, value: 'x'.repeat(50_000) }, ...numbered(3)])
    const client = connect(gateway, { topics: topic, group, windowBytes: '1000', ...acking })
    let acked = -1
    while (offsetsOf(client).at(-1) !== 23) {
      await client.received(acked + 2)
      await idle(client)
      const [...open] = client.records.slice(acked + 1)
      const sizes = open.map((record) => JSON.stringify(record).length)
      expect(
        sizes.slice(0, -1).reduce((sum, size) => sum + size, 0),
        'all but the last',
      ).toBeLessThan(1_000)
      const isAll = client.records.length === 24
      if (!isAll)
        expect(
          sizes.reduce((sum, size) => sum + size, 0),
          'no room is wasted',
        ).toBeGreaterThanOrEqual(1_000)
      acked = client.records.length - 1
      client.ack(client.records[acked]!)
    }
    expect(offsetsOf(client)).toEqual(upTo(24))
  })
})

describe('credit', () => {
  it.each([
    ['in a group', true],
    ['without a group', false],
  ])(
    'is what is sent, and never more, %s',
    async (_, inGroup) => {
      const gateway = await startTestGateway()
      const topic = await makeTopic({ partitions: 3 })
      await produce(
        topic,
        [0, 1, 2].flatMap((partition) => numbered(50, { partition })),
      )
      const client = connect(gateway, {
        topics: topic,
        from: 'earliest',
        window: '0',
        ...(inGroup ? { group: uniqueName('g'), ack: 'client' } : {}),
      })
      await client.frame('assigned')
      await idle(client)
      expect(client.records).toEqual([])
      let credited = 0
      for (const records of [1, 2, 7, 0, 40]) {
        client.send({ type: 'credit', records })
        credited += records
        await client.received(credited)
        await idle(client)
        expect(client.records).toHaveLength(credited)
        // Nobody but the client opens this window.
        if (inGroup) client.ack(client.records.at(-1)!)
      }
      client.send({ type: 'credit', records: 1_000 })
      await client.received(150)
      for (const partition of [0, 1, 2]) expect(offsetsOf(client, partition)).toEqual(upTo(50))
      await client.frame('caughtUp')
    },
    30_000,
  )

  it('in bytes lets records through while there are some, and the last may be larger', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, [{ value: 'x'.repeat(500_000) }, ...numbered(5), { value: 'y'.repeat(500_000) }])
    const client = await connect(gateway, { topics: topic, from: 'earliest', window: '0' }).opened()
    client.send({ type: 'credit', records: 100, bytes: 1 })
    await client.received(1)
    await idle(client)
    expect(client.records).toHaveLength(1)
    client.send({ type: 'credit', records: 0, bytes: JSON.stringify(client.records[0]).length })
    await client.received(7)
    expect(offsetsOf(client)).toEqual(upTo(7))
  })

  it('keeps for a paused partition what another can use', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(10), ...numbered(10, { partition: 1 })])
    const client = connect(gateway, { topics: topic, from: 'earliest', window: '0' })
    await client.frame('assigned')
    client.send({ type: 'pause', partitions: [{ topic, partition: 0 }] })
    client.send({ type: 'credit', records: 5 })
    await client.received(5)
    expect(offsetsOf(client)).toEqual([])
    client.send({ type: 'resume' })
    client.send({ type: 'credit', records: 15 })
    await client.received(20)
    expect(offsetsOf(client)).toEqual(upTo(10))
    expect(offsetsOf(client, 1)).toEqual(upTo(10))
  })

  it('answers a seek at once, whether there is credit or not', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    const client = await connect(gateway, { topics: topic, from: 'earliest', window: '0' }).opened()
    client.send({ type: 'credit', records: 2 })
    await client.received(2)
    client.send({ type: 'seek', topic, offset: 8 })
    await client.frame('assigned', { where: ({ partitions }) => partitions[0]!.offset === 8 })
    client.send({ type: 'credit', records: 5 })
    await client.received(4)
    expect(offsetsOf(client)).toEqual([0, 1, 8, 9])
  })

  it('is an error where there is no window=0, or too much of it, and the socket lives', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    for (const window of [{}, { window: '5' }, { windowBytes: '100' }, { window: '0' }] as Record<
      string,
      string
    >[]) {
      const client = connect(gateway, { topics: topic, ...window })
      await client.frame('caughtUp')
      client.send({ type: 'credit', records: 2 ** 31 - 1 })
      client.send({ type: 'credit', records: 1 })
      const error = await client.frame('error')
      expect(error).toMatchObject({ code: 'invalid_request', ref: 'credit' })
      expect(error.errors).toMatchObject([{ pointer: window.window === '0' ? '/records' : '/type' }])
      await produce(topic, numbered(1))
      await client.received(1)
      await client.close()
    }
  })
})
