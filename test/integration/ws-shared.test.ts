import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, type FrameOf, type WsClient } from '../support/ws.ts'

/** The offsets of one partition's records, in the order they came in. */
function offsetsOf(client: WsClient, partition: number): number[] {
  return client.records.filter((record) => record.partition === partition).map(({ offset }) => offset)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n)
}

function recordFrames(client: WsClient): FrameOf<'records'>[] {
  return client.frames.filter((frame) => frame.type === 'records')
}

async function both(from: number, count: number, topic: string): Promise<void> {
  await produce(
    topic,
    [0, 1].flatMap((partition) => numbered(count, { from, partition })),
  )
}

describe('many sockets that read one topic without a group', () => {
  it('are each sent every record once, in frames whose cursor resumes just after it', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await both(0, 10, topic)
    const starts = ['earliest', '3', '-2', 'latest', 'latest']
    const clients = starts.map((from) => connect(gateway, { topics: topic, from }))
    await Promise.all(clients.map((client) => client.frame('caughtUp')))
    for (let from = 10; from < 30; from += 5) await both(from, 5, topic)
    const firsts = [0, 3, 8, 10, 10]
    await Promise.all(clients.map((client, n) => client.received(2 * (30 - firsts[n]!))))
    clients.forEach((client, n) => {
      for (const partition of [0, 1]) expect(offsetsOf(client, partition)).toEqual(range(firsts[n]!, 30))
    })
    const last = clients[3]!
    for (const frame of recordFrames(last)) {
      const at = last.records.indexOf(frame.records.at(-1)!) + 1
      const resumed = connect(gateway, { topics: topic, cursor: frame.cursor! })
      await resumed.received(last.records.length - at)
      const rest = { 0: [] as number[], 1: [] as number[] }
      for (const { partition, offset } of last.records.slice(at)) rest[partition as 0 | 1].push(offset)
      for (const partition of [0, 1] as const) expect(offsetsOf(resumed, partition)).toEqual(rest[partition])
    }
  })

  it('have cursors of their own where they stand apart in what they paused', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    await both(0, 1, topic)
    const clients = ['earliest', 'earliest'].map((from) => connect(gateway, { topics: topic, from }))
    await Promise.all(clients.map((client) => client.frame('caughtUp')))
    // Each stops partition 1 at another place; from then on both read partition 0 alone, and share that.
    for (const [n, client] of clients.entries()) {
      client.send({ type: 'pause', partitions: [{ topic, partition: 1 }] })
      await client.frame('paused')
      if (n === 0) await produce(topic, numbered(4, { from: 1, partition: 1 }))
      if (n === 0) await clients[1]!.until('its records', () => offsetsOf(clients[1]!, 1).length === 5)
    }
    for (let from = 1; from < 6; from++) {
      await produce(topic, numbered(1, { from }))
      await Promise.all(
        clients.map((client) => client.until('one more', () => offsetsOf(client, 0).length === from + 1)),
      )
    }
    const missing = [range(1, 5), []]
    for (const [n, client] of clients.entries()) {
      const cursor = recordFrames(client).at(-1)!.cursor!
      const resumed = connect(gateway, { topics: topic, cursor })
      await resumed.frame('caughtUp')
      expect(offsetsOf(resumed, 1)).toEqual(missing[n])
      expect(offsetsOf(resumed, 0)).toEqual([])
    }
  })
})
