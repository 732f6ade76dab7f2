import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, type WsClient } from '../support/ws.ts'

/** Waits for the end of a subscription, which has to be as it should. */
async function ended(client: WsClient): Promise<{ offsets: number[]; reason: string; cursor: string }> {
  expect(await client.closed).toEqual({ code: 1000, reason: 'the end' })
  const last = client.frames.at(-1)!
  if (last.type !== 'end') throw new Error(`ended with ${JSON.stringify(last)}`)
  expect(client.all('error')).toEqual([])
  return { offsets: client.records.map(({ offset }) => offset), reason: last.reason, cursor: last.cursor }
}

describe('a reader without a group that asks for a part', () => {
  it('gets what there is up to the end there was, and is closed with 1000', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(200, { partition, size: 2_000 })),
    )
    const { offsets, reason } = await ended(
      connect(gateway, { topics: topic, from: 'earliest', until: 'latest' }),
    )
    expect(reason).toBe('until')
    expect(offsets).toHaveLength(600)
    const none = await ended(connect(gateway, { topics: topic, from: 'latest', until: 'latest' }))
    expect(none.offsets).toEqual([])
  })

  it('gets so many, and goes on by the cursor of the end', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    const first = await ended(connect(gateway, { topics: topic, from: 'earliest', limit: '3' }))
    expect(first).toMatchObject({ offsets: [0, 1, 2], reason: 'limit' })
    const rest = await ended(connect(gateway, { topics: topic, cursor: first.cursor, until: '8' }))
    expect(rest).toMatchObject({ offsets: [3, 4, 5, 6, 7], reason: 'until' })
  })

  it('gets all of it through a window, too', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    const client = connect(gateway, { topics: topic, from: 'earliest', until: '9', window: '2' })
    expect(await ended(client)).toMatchObject({ offsets: [0, 1, 2, 3, 4, 5, 6, 7, 8] })
    const few = connect(gateway, { topics: topic, from: 'earliest', limit: '5', window: '2' })
    expect(await ended(few)).toMatchObject({ offsets: [0, 1, 2, 3, 4] })
  })

  it('gets the records of a key and with headers alone, from the URL or the first frame', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, [
      { key: 'a', value: '0', headers: { x: '1', y: '2' } },
      { key: 'b', value: '1', headers: { x: '1', y: '2' } },
      { key: 'a', value: '2', headers: { x: '1' } },
    ])
    const base = { topics: topic, from: 'earliest', until: 'latest' }
    expect((await ended(connect(gateway, { ...base, key: 'a' }))).offsets).toEqual([0, 2])
    expect((await ended(connect(gateway, { ...base, header: 'y:2' }))).offsets).toEqual([0, 1])
    const client = connect(gateway, {})
    await client.opened()
    client.send({ type: 'subscribe', ...base, topics: [topic], key: 'a', header: ['x:1', 'y:2'] })
    expect((await ended(client)).offsets).toEqual([0])
  })

  it('gets one partition alone', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(2), ...numbered(3, { partition: 1 })])
    const client = connect(gateway, { topics: topic, from: 'earliest', partition: '1', until: 'latest' })
    await ended(client)
    expect(client.records.map(({ partition, offset }) => `${partition}:${offset}`)).toEqual([
      '1:0',
      '1:1',
      '1:2',
    ])
  })

  it('comes to the end of a pattern, too, of topics that match or of none', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, [...numbered(3), ...numbered(2, { partition: 1 })])
    const base = { from: 'earliest', until: 'latest' }
    expect((await ended(connect(gateway, { topics: `${topic}*`, ...base }))).offsets).toHaveLength(5)
    expect((await ended(connect(gateway, { topics: `${topic}-none-*`, ...base }))).offsets).toEqual([])
  })
})
