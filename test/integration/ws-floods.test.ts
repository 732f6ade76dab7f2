import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { Opcode, type RawClient, rawConnect, rawFragments, rawFrame, rawText } from '../support/raw-ws.ts'
import { connect } from '../support/ws.ts'
import { startGatewayProcess } from '../support/ws-gateway-process.ts'

const times = (count: number, frame: Buffer) => Buffer.concat(Array.from({ length: count }, () => frame))

describe('a flood of mistakes', () => {
  it.each<[string, string, string]>([
    ['empty messages', '', 'malformed_json'],
    ['messages of one byte', '1', 'unknown_type'],
    ['subscriptions', '{"type":"subscribe","topics":["TOPIC"]}', 'already_subscribed'],
    ['unknown commands', '{"type":"x"}', 'unknown_type'],
    ['produce messages without records', '{"type":"produce","id":1,"topic":"TOPIC"}', 'invalid_request'],
  ])('is answered ten times and shown out with 4400: 10,000 %s', async (_, message, code) => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = await rawConnect(gateway, { topics: topic })
    await client.until('caughtUp', () => client.messages.some(({ type }) => type === 'caughtUp'))
    client.send(times(10_000, rawText(message.replace('TOPIC', topic))))
    expect(await client.closes()).toBe(4400)
    const errors = client.messages.filter(({ type }) => type === 'error')
    expect(errors.map((error) => error.code)).toEqual(Array(10).fill(code))
  })
})

describe('a client that floods, and takes what it gets,', () => {
  const ack = (topic: string) => `{"type":"ack","offsets":[{"topic":"${topic}","partition":0,"offset":0}]}`
  const floods: [name: string, frames: (topic: string) => Buffer][] = [
    ['pings', () => times(10_000, rawFrame(Opcode.ping))],
    ['pings that are large', () => times(500, rawFrame(Opcode.ping, Buffer.alloc(125)))],
    ['pongs', () => times(10_000, rawFrame(Opcode.pong, 't1'))],
    ['acks of what is acked', (topic) => times(1_000, rawText(ack(topic)))],
    [
      'acks in tiny fragments',
      (topic) => times(50, Buffer.concat(rawFragments([...ack(topic)].slice(0, 64)))),
    ],
    [
      'records that cannot be',
      (topic) => times(1_000, rawText(`{"type":"produce","id":1,"topic":"${topic}"}`)),
    ],
  ]

  it.each(floods)('keeps nobody else from being served: %s', async (_, frames) => {
    const gateway = await startGatewayProcess()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const other = connect(gateway, { topics: topic, from: 'earliest' })
    await other.frame('caughtUp')
    const bytes = frames(topic)
    let over = false
    const flood = async () => {
      while (!over) {
        const query = { topics: topic, group: uniqueName('g'), from: 'earliest', ack: 'client' }
        const client: RawClient = await rawConnect(gateway, query)
        await client.until('records', () => client.messages.some(({ type }) => type === 'records'))
        const gone = new Promise((resolve) => client.socket.once('close', resolve))
        while (!over && client.socket.writable && !client.ended) {
          if (client.socket.write(bytes)) continue
          await Promise.race([new Promise((resolve) => client.socket.once('drain', resolve)), gone])
        }
        client.socket.destroy()
      }
    }
    const floods = [flood(), flood(), flood()]
    for (let n = 1; n <= 5; n++) {
      await produce(topic, numbered(1))
      await other.received(n + 1, 3_000)
    }
    over = true
    await Promise.all(floods)
  })
})

describe('a client that goes silent', () => {
  it.each<[string, Buffer]>([
    ['within the head of a frame', rawText('{"type":"half"}').subarray(0, 1)],
    ['within a frame', rawText('x'.repeat(1_000_000)).subarray(0, 500_000)],
    ['within a message', rawFragments(['{', '}'])[0]!],
  ])('is dropped after two pings, and its place is free: %s', async (_, bytes) => {
    const gateway = await startTestGateway({ SLUICE_WS_PING_MS: '1000', SLUICE_MAX_STREAMS: '1' })
    const client = await rawConnect(gateway)
    client.send(bytes)
    await client.ends(5_000)
    expect(client.closeCode).toBeUndefined()
    const isFree = () => rawConnect(gateway).then(Boolean, () => false)
    await expect.poll(isFree).toBe(true)
  })
})
