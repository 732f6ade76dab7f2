import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce, withProducer } from '../support/produce.ts'
import { Opcode, type RawClient, rawConnect, rawFrame } from '../support/raw-ws.ts'
import { connect } from '../support/ws.ts'
import { startGatewayProcess } from '../support/ws-gateway-process.ts'
import { GroupLedger } from '../support/ws-ledger.ts'

const MiB = 1_048_576
const impatient = { SLUICE_WS_STALL_MS: '1000', SLUICE_WS_BUFFER_BYTES: '65536' }

/** A topic with so many records of 10 KB. */
async function makeLargeTopic(records: number, partitions = 1): Promise<string> {
  const topic = await makeTopic({ partitions })
  await withProducer(async (producer) => {
    for (let from = 0; from < records; from += 90) {
      const count = Math.min(90, records - from)
      const messages = numbered(count, { from, size: 10_000, partition: (from / 90) % partitions })
      await producer.send({ topic, messages })
    }
  })
  return topic
}

/** Memory that a process has, in bytes. */
function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1_024
}

/** Stops reading until somebody sees that the client's time is up. */
async function stall(client: RawClient): Promise<void> {
  client.socket.pause()
  // The stall limit, what it is looked at by and a bit: time itself is what is tested here.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  client.socket.resume()
}

describe('a slow reader', () => {
  it('is closed with 4508 once it takes nothing for the stall limit, and resumes without a gap by its cursor', async () => {
    const gateway = await startTestGateway(impatient)
    const topic = await makeLargeTopic(1_000)
    const slow = await rawConnect(gateway, { topics: topic, from: 'earliest' })
    await stall(slow)
    expect(await slow.closes()).toBe(4508)
    expect(slow.messages.at(-1)).toMatchObject({ type: 'error', code: 'slow_consumer', retryable: true })
    const frames = slow.messages.filter(({ type }) => type === 'records') as unknown as {
      records: unknown[]
      cursor: string
    }[]
    const had = frames.reduce((sum, { records }) => sum + records.length, 0)
    expect(had).toBeGreaterThan(0)
    expect(had, 'it was held back').toBeLessThan(1_000)
    const resumed = connect(gateway, { topics: topic, cursor: frames.at(-1)!.cursor })
    await resumed.received(1_000 - had)
    expect(resumed.records.map(({ offset }) => offset)).toEqual(
      Array.from({ length: 1_000 - had }, (_, n) => had + n),
    )
  })

  it('loses its partitions to the others of its group, who skip nothing', async () => {
    const gateway = await startTestGateway(impatient)
    const topic = await makeLargeTopic(1_000)
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const slow = await rawConnect(gateway, query)
    slow.socket.pause()
    const ledger = new GroupLedger()
    ledger.join(gateway, 'other', query)
    await ledger.expectAll(topic)
  })

  it('costs bounded memory and slows nobody else', async () => {
    const { url, process } = await startGatewayProcess({ SLUICE_WS_STALL_MS: '60000' })
    const topic = await makeLargeTopic(2_000, 2)
    const warm = connect({ url }, { topics: topic, from: 'earliest' })
    await warm.received(2_000)
    const before = memoryOf(process.pid)
    const count = 30
    for (let i = 0; i < count; i++) {
      const slow = await rawConnect({ url }, { topics: topic, from: 'earliest' })
      slow.socket.pause()
    }
    const fast = connect({ url }, { topics: topic, from: 'earliest' })
    await fast.received(2_000)
    await fast.frame('caughtUp')
    // Each could have 20 MB waiting: 600 MB in all.
    expect((memoryOf(process.pid) - before) / count).toBeLessThan(8 * MiB)
  })
})

describe('a client that floods and does not read', () => {
  const floods: [name: string, frames: Buffer][] = [
    ['pings', Buffer.concat(Array.from({ length: 50 }, () => rawFrame(Opcode.ping, Buffer.alloc(125))))],
    [
      'pings in one burst',
      Buffer.concat(Array.from({ length: 1_000 }, () => rawFrame(Opcode.ping, Buffer.alloc(125)))),
    ],
    ['pongs', Buffer.concat(Array.from({ length: 200 }, () => rawFrame(Opcode.pong, 't1')))],
    [
      'acks',
      Buffer.concat(
        Array.from({ length: 100 }, () =>
          rawFrame(Opcode.text, '{"type":"ack","offsets":[{"topic":"t","partition":0,"offset":1}]}'),
        ),
      ),
    ],
  ]

  it.each(floods)('costs bounded memory and keeps nobody else from being served: %s', async (_, frames) => {
    const { url, process } = await startGatewayProcess({
      SLUICE_WS_STALL_MS: '60000',
      SLUICE_WS_BUFFER_BYTES: '65536',
    })
    const topic = await makeTopic()
    const other = connect({ url }, { topics: topic })
    await other.frame('caughtUp')
    const before = memoryOf(process.pid)
    const clients = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = await rawConnect({ url }, { topics: topic })
        client.socket.pause()
        return client
      }),
    )
    // Until each has sent 7 MB, is not heard any more or has been cut off.
    const sent = clients.map(async ({ socket }) => {
      const gone = new Promise<boolean>((resolve) => socket.once('close', () => resolve(false)))
      for (let bytes = 0; bytes < 7 * MiB; bytes += frames.length) {
        if (socket.write(frames)) continue
        const stuck = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 500))
        const drained = new Promise<boolean>((resolve) => socket.once('drain', () => resolve(true)))
        if (!(await Promise.race([drained, gone, stuck]))) return
      }
    })
    await Promise.all(sent)
    expect((memoryOf(process.pid) - before) / MiB).toBeLessThan(100)
    await produce(topic, numbered(1))
    await other.received(1, 2_000)
  })

  it('gets its answers once it reads', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(1_000))
    const client = await rawConnect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.until('records', () => client.messages.some(({ type }) => type === 'caughtUp'))
    client.socket.pause()
    const total = 5_000
    const acks = Array.from({ length: total }, (_, n) =>
      rawFrame(Opcode.text, `{"type":"ack","offsets":[{"topic":"${topic}","partition":0,"offset":${n}}]}`),
    )
    client.send(...acks)
    client.socket.resume()
    const errors = () => client.messages.filter(({ type }) => type === 'error').length
    await client.until('all errors', () => errors() === total - 1_000, 20_000)
    await expect.poll(() => committedOffsets(group, topic)).toEqual([1_000])
  })
})
