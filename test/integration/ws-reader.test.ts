import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { addPartitions, makeAgain, makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { numbered, produce, removeRecordsBelow, transact } from '../support/produce.ts'
import { connect, placesOf, type WsClient } from '../support/ws.ts'

/** The cursor of the frame that ends with, or at least has, so many records. */
function cursorAfter(client: WsClient, count: number): { cursor: string; seen: string[] } {
  const seen: string[] = []
  for (const { records, cursor } of client.all('records')) {
    seen.push(...placesOf(records))
    if (seen.length >= count) return { cursor: cursor!, seen }
  }
  throw new Error(`only ${seen.length} records`)
}

describe('a reader without a group', () => {
  it('is told what it reads and from where, then the records, then once that it has caught up', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(10, { partition })),
    )
    const client = connect(gateway, { topics: topic, from: 'earliest' })
    await client.frame('caughtUp')
    expect(client.frames[0]).toMatchObject({ type: 'assigned' })
    const { partitions } = await client.frame('assigned')
    expect(partitions.toSorted((a, b) => a.partition - b.partition)).toEqual(
      [0, 1, 2].map((partition) => ({ topic, partition, offset: 0 })),
    )
    await client.received(30)
    await produce(topic, numbered(3, { from: 10 }))
    await client.received(33)
    expect(client.frames.map(({ type }) => type).filter((type) => type !== 'records')).toEqual([
      'assigned',
      'caughtUp',
    ])
  })

  it('catches up with an empty topic at once', async () => {
    const gateway = await startTestGateway()
    const client = connect(gateway, { topics: await makeTopic({ partitions: 2 }) })
    await client.frame('caughtUp', { ms: 2_000 })
    expect(client.frames.map(({ type }) => type)).toEqual(['assigned', 'caughtUp'])
  })

  it('reads several topics', async () => {
    const gateway = await startTestGateway()
    const topics = [await makeTopic(), await makeTopic({ partitions: 2 })]
    for (const topic of topics) await produce(topic, numbered(2))
    const client = connect(gateway, { topics: topics.join(), from: 'earliest' })
    await client.received(4)
    expect((await client.frame('assigned')).partitions).toHaveLength(3)
    await client.frame('caughtUp')
    expect(new Set(client.records.map(({ topic }) => topic))).toEqual(new Set(topics))
  })

  it('starts where `from` says, in every form', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const times = [1_000, 2_000, 3_000, 4_000].map((ms) => 1_700_000_000_000 + ms)
    await produce(
      topic,
      times.map((timestamp, n) => ({ value: `v${n}`, timestamp: String(timestamp) })),
    )
    const startOf = async (from?: string) => {
      const client = connect(gateway, { topics: topic, ...(from === undefined ? {} : { from }) })
      const { partitions } = await client.frame('assigned')
      await client.frame('caughtUp')
      expect(client.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3].slice(partitions[0]!.offset))
      return partitions[0]!.offset
    }
    expect(await startOf('earliest')).toBe(0)
    expect(await startOf('latest')).toBe(4)
    expect(await startOf()).toBe(4)
    expect(await startOf('-1')).toBe(3)
    expect(await startOf('-100')).toBe(0)
    expect(await startOf('2')).toBe(2)
    expect(await startOf('4')).toBe(4)
    expect(await startOf(`@${times[1]}`)).toBe(1)
    expect(await startOf(`@${times[1]! + 1}`)).toBe(2)
    expect(await startOf(new Date(times[2]!).toISOString())).toBe(2)
    expect(await startOf('@9999999999999')).toBe(4)
  })

  it('resumes by the cursor of any frame exactly after that frame, at another gateway', async () => {
    const topic = await makeTopic({ partitions: 3 })
    // Frames end within a partition's records, too.
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(150, { partition, size: 4_000 })),
    )
    const [gateway, other] = [await startTestGateway(), await startTestGateway()]
    const whole = connect(gateway, { topics: topic, from: 'earliest' })
    await whole.received(450)
    const all = new Set(placesOf(whole.records))
    expect(all.size).toBe(450)
    expect(whole.all('records').length).toBeGreaterThan(5)
    for (const count of [1, 100, 225, 400]) {
      const { cursor, seen } = cursorAfter(whole, count)
      const resumed = connect(other, { topics: topic, cursor })
      const rest = placesOf(await resumed.received(450 - seen.length))
      await resumed.frame('caughtUp')
      expect(new Set([...seen, ...rest])).toEqual(all)
      expect(rest).toHaveLength(450 - seen.length)
    }
  })

  it('finds by its cursor the partitions that were added meanwhile, from their start', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const before = connect(gateway, { topics: topic, from: 'earliest' })
    await before.received(1)
    const { cursor } = before.all('records')[0]!
    await before.close()
    await addPartitions(topic, 2)
    await produce(topic, numbered(2, { partition: 1 }))
    const other = await startTestGateway()
    const resumed = connect(other, { topics: topic, cursor: cursor! })
    expect(placesOf(await resumed.received(2))).toEqual([`${topic}:1:0`, `${topic}:1:1`])
  })

  it('goes on with partitions that are added while it reads, from their start', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic })
    await client.frame('caughtUp')
    await addPartitions(topic, 2)
    await produce(topic, numbered(2, { partition: 1 }))
    expect(placesOf(await client.received(2))).toEqual([`${topic}:1:0`, `${topic}:1:1`])
    expect(client.all('assigned').at(-1)).toEqual({
      type: 'assigned',
      partitions: [{ topic, partition: 1, offset: 0 }],
    })
  })

  it('is refused a cursor that is none, or of another topic', async () => {
    const gateway = await startTestGateway()
    const [topic, other] = [await makeTopic(), await makeTopic()]
    await produce(topic, numbered(1))
    const client = connect(gateway, { topics: topic, from: 'earliest' })
    await client.received(1)
    const { cursor } = client.all('records')[0]!
    for (const query of [
      { topics: topic, cursor: 'nonsense' },
      { topics: topic, cursor: `${cursor}AA` },
      { topics: other, cursor: cursor! },
    ]) {
      const refused = connect(gateway, query)
      expect(await refused.closed).toMatchObject({ code: 4422 })
      expect(refused.frames).toMatchObject([{ type: 'error', code: 'invalid_cursor' }])
    }
  })

  it('is told by position_lost that the topic of its cursor was made again', async () => {
    const topic = await makeTopic()
    const gateway = await startTestGateway()
    await produce(topic, numbered(1))
    const client = connect(gateway, { topics: topic, from: 'earliest' })
    await client.received(1)
    const { cursor } = client.all('records')[0]!
    await client.close()
    await makeAgain(topic)
    const resumed = connect(await startTestGateway(), { topics: topic, cursor: cursor! })
    expect(await resumed.closed).toMatchObject({ code: 4409 })
    expect(resumed.frames).toMatchObject([{ type: 'error', code: 'position_lost' }])
  })

  it.each([
    ['deleted', 4404, 'topic_not_found'],
    ['made again', 4409, 'position_lost'],
  ])('is told where its topic is %s under it, and closed', async (what, code, problem) => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic })
    await client.frame('caughtUp')
    if (what === 'deleted') await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))
    else await makeAgain(topic)
    expect(await client.closed).toMatchObject({ code })
    expect(client.frames.at(-1)).toMatchObject({ type: 'error', code: problem, topic, partition: 0 })
  })

  it('is told what it missed by retention, and goes on at the earliest record', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    await removeRecordsBelow(topic, 6)
    const client = connect(gateway, { topics: topic, from: '2' })
    await client.received(4)
    expect(client.frames.map(({ type }) => type).slice(0, 4)).toEqual([
      'assigned',
      'error',
      'assigned',
      'records',
    ])
    expect(client.all('error')).toMatchObject([
      { code: 'position_lost', topic, partition: 0, bounds: { earliest: 6, latest: 10 } },
    ])
    expect(client.records.map(({ offset }) => offset)).toEqual([6, 7, 8, 9])
    await client.frame('caughtUp')
  })

  it('sees committed transactions only, in order, where it asks for read_committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await transact(topic, [
      [['a', 'b'], 'commit'],
      [['x', 'y'], 'abort'],
      [['c'], 'commit'],
    ])
    const all = connect(gateway, { topics: topic, from: 'earliest' })
    const committed = connect(gateway, { topics: topic, from: 'earliest', isolation: 'read_committed' })
    await Promise.all([all.frame('caughtUp'), committed.frame('caughtUp')])
    expect(all.records.map(({ value }) => value)).toEqual(['a', 'b', 'x', 'y', 'c'])
    expect(committed.records.map(({ value }) => value)).toEqual(['a', 'b', 'c'])
  })

  it('gets tombstones, empty values, bytes that are no text, headers in order, and 900 KB in one record', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const large = `{"pad":"${'ß'.repeat(450_000)}"}`
    await produce(topic, [
      { key: 'k', value: null },
      { key: null, value: '' },
      { key: Buffer.from([0xff, 0x00]), value: Buffer.from([0xc3, 0x28]) },
      { value: '{"half":' },
      { value: '{"int":9007199254740993}', headers: { a: ['1', '2'], b: Buffer.from([0xfe]) } },
      { value: large },
      { value: 'after' },
    ])
    const client = connect(gateway, { topics: topic, from: 'earliest' })
    const records = await client.received(7)
    expect(records).toMatchObject([
      { key: 'k', value: null },
      { key: null, value: '' },
      { key: '/wA=', keyEncoding: 'base64', value: 'wyg=', valueEncoding: 'base64' },
      { value: '{"half":' },
      {
        headers: [
          { name: 'a', value: '1' },
          { name: 'a', value: '2' },
          { name: 'b', value: '/g==', encoding: 'base64' },
        ],
      },
      { value: JSON.parse(large) as object },
      { value: 'after' },
    ])
    expect(client.all('error')).toEqual([])
  })

  it('gets a record that is larger than every buffer on its way, and the next', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic({ configs: { 'max.message.bytes': '10000000' } })
    await produce(topic, [{ value: 'x'.repeat(8_000_000) }, { value: 'after' }])
    for (const group of [{}, { group: uniqueName('g') }]) {
      const client = connect(gateway, { topics: topic, from: 'earliest', ...group } as Record<string, string>)
      const records = await client.received(2)
      expect(records.map(({ value }) => (value as string).length)).toEqual([8_000_000, 5])
    }
  })

  it('goes on past a record that does not fit the format it asks for', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, [{ value: Buffer.from([0xff]) }, { value: 'no json' }, { value: '{"a":1}' }])
    for (const format of ['auto', 'json', 'text', 'base64']) {
      const client = connect(gateway, { topics: topic, from: 'earliest', format })
      await client.received(3)
      await client.frame('caughtUp')
      expect(client.all('error')).toEqual([])
    }
  })
})
