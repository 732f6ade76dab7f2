import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KafkaProxy, PRODUCE } from '../../../dev/kafka/kafka-proxy.ts'

/** A proxy before a broker that answers each request with its correlation id and so many bytes. */
async function setUp(bytes = 16) {
  const sockets = new Set<Socket>()
  const broker = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (requests) => {
      for (let at = 0; at < requests.length; at += request(0).length)
        socket.write(frame(requests.readInt32BE(at + 8), Buffer.alloc(bytes, 1)))
    })
  })
  broker.listen(0, '127.0.0.1')
  await once(broker, 'listening')
  const proxy = await KafkaProxy.start()
  proxy.target = (broker.address() as { port: number }).port
  const client = connect(proxy.port, '127.0.0.1')
  client.on('error', () => {})
  let had = Buffer.alloc(0)
  client.on('data', (chunk) => {
    had = Buffer.concat([had, chunk])
  })
  onTestFinished(async () => {
    client.destroy()
    for (const socket of sockets) socket.destroy()
    broker.close()
    await proxy.close()
  })
  await once(client, 'connect')
  const ask = (id: number) => client.write(request(id))
  return { proxy, client, ask, had: () => had }
}

const frame = (id: number, body: Buffer) => {
  const head = Buffer.alloc(8)
  head.writeInt32BE(4 + body.length, 0)
  head.writeInt32BE(id, 4)
  return Buffer.concat([head, body])
}
const request = (id: number) => {
  const body = Buffer.alloc(8)
  body.writeInt16BE(PRODUCE, 0)
  body.writeInt32BE(id, 4)
  const head = Buffer.alloc(4)
  head.writeInt32BE(body.length, 0)
  return Buffer.concat([head, body])
}
const answer = (id: number, bytes = 16) => frame(id, Buffer.alloc(bytes, 1))

describe('the proxy before a broker', () => {
  it('delays every byte, and keeps their order', async () => {
    const { proxy, ask, had } = await setUp()
    proxy.condition = { delayMs: 40, jitterMs: 30 }
    const since = performance.now()
    for (let id = 1; id <= 5; id++) ask(id)
    const all = Buffer.concat([1, 2, 3, 4, 5].map((id) => answer(id)))
    await expect.poll(had).toHaveLength(all.length)
    expect(had()).toEqual(all)
    // There and back, ten at the least.
    expect(performance.now() - since).toBeGreaterThan(20)
  })

  it('lets so many bytes through a second', async () => {
    const { proxy, ask, had } = await setUp(2_000)
    proxy.condition = { bytesPerSecond: 10_000 }
    const since = performance.now()
    ask(1)
    await expect.poll(had).toEqual(answer(1, 2_000))
    expect(performance.now() - since).toBeGreaterThan(190)
  })

  it('keeps what comes into a black hole, and lets it out with the next condition', async () => {
    const { proxy, ask, had } = await setUp()
    ask(1)
    await expect.poll(had).toEqual(answer(1))
    proxy.condition = { isBlackhole: true }
    ask(2)
    await expect.poll(() => proxy.produced).toBe(2)
    expect(had()).toEqual(answer(1))
    proxy.condition = {}
    await expect.poll(had).toEqual(Buffer.concat([answer(1), answer(2)]))
  })

  it('cuts what it hands on into slices', async () => {
    const { proxy, ask, had } = await setUp()
    proxy.condition = { sliceBytes: 5 }
    ask(1)
    await expect.poll(had).toEqual(answer(1))
  })

  it('swallows one answer, cuts one short, and changes the bytes of one', async () => {
    const { proxy, client, ask, had } = await setUp()
    void proxy.meet(PRODUCE, { swallow: true })
    void proxy.meet(PRODUCE, { flipFrom: 20 })
    void proxy.meet(PRODUCE, { responseBytes: 3 })
    for (let id = 1; id <= 3; id++) ask(id)
    await once(client, 'close')
    const flipped = Buffer.concat([answer(2).subarray(0, 20), Buffer.alloc(4, 0xfe)])
    expect(had()).toEqual(Buffer.concat([flipped, answer(3).subarray(0, 3)]))
  })

  it('resets connections, or ends them one way', async () => {
    const first = await setUp()
    first.ask(1)
    await expect.poll(first.had).toEqual(answer(1))
    const failed = once(first.client, 'error')
    first.proxy.reset()
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
    const second = await setUp()
    second.ask(1)
    await expect.poll(second.had).toEqual(answer(1))
    const ended = once(second.client, 'end')
    second.proxy.halfClose()
    await ended
  })
})
