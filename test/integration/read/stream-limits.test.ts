import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EventStream } from '../../support/event-stream.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { exportTopic, parseExport } from '../../support/ndjson.ts'
import { numbered, produce, withProducer } from '../../support/produce.ts'
import { RawConnection, untilRefused } from '../../support/raw-http.ts'
import { until } from '../../support/until.ts'
import { connect } from '../../support/ws.ts'
import { startGatewayProcess } from '../../support/ws-gateway-process.ts'

const MiB = 1_048_576
const types = ['text/event-stream', 'application/x-ndjson']

/** A topic with so many records of 10 KB. */
async function makeLargeTopic(records: number): Promise<string> {
  const topic = await makeTopic()
  await withProducer(async (producer) => {
    for (let from = 0; from < records; from += 80) {
      await producer.send({ topic, messages: numbered(80, { from, size: 10_000 }) })
    }
  })
  return topic
}

/** Asks for a stream on a connection that is read only when the test says so. */
function ask(
  gateway: { url: string },
  topic: string,
  accept: string,
  query = 'from=earliest',
): RawConnection {
  const raw = new RawConnection(gateway)
  return raw.sendHead(`GET /v1/topics/${topic}/records?${query} HTTP/1.1`, `Accept: ${accept}`)
}

/** The body of a chunked answer, as far as it came. */
function bodyOf(raw: RawConnection): string {
  let rest = raw.text().replace(/^[^]*?\r\n\r\n/, '')
  let body = ''
  for (let size; (size = /^([0-9a-f]+)\r\n/.exec(rest)) !== null;) {
    const start = size[0].length
    const length = Number.parseInt(size[1]!, 16)
    if (length === 0) break
    body += rest.slice(start, start + length)
    rest = rest.slice(start + length + 2)
  }
  return body
}

/** The sockets of this process, and so of the gateway in it, and the timers that keep it alive. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name)).length
}

/** Whether another stream would be taken. */
async function hasRoom(gateway: { url: string }, topic: string): Promise<boolean> {
  const headers = { accept: 'text/event-stream' }
  return (await http(gateway).head(`/v1/topics/${topic}/records`, { headers })).status === 200
}

describe('a client of a stream over HTTP', () => {
  it.each(types)(
    'that takes nothing is cut after the stall limit, and resumes without a gap: %s',
    async (accept) => {
      const gateway = await startTestGateway({
        SLUICE_WS_STALL_MS: '1000',
        SLUICE_WS_BUFFER_BYTES: '65536',
        SLUICE_MAX_STREAMS: '1',
      })
      const topic = await makeLargeTopic(2_000)
      const slow = ask(gateway, topic, accept)
      await once(slow.socket, 'data')
      slow.socket.pause()
      const began = performance.now()
      await until(() => hasRoom(gateway, topic))
      expect(performance.now() - began).toBeGreaterThan(900)
      slow.socket.resume()
      await slow.closed()
      const body = bodyOf(slow)
      const seen =
        accept === 'text/event-stream'
          ? body.split('\n\n').filter((block) => /^id: \S+\ndata: .*}$/.test(block))
          : []
      const { records } = parseExport(accept === 'text/event-stream' ? '' : body)
      const had = seen.length + records.length
      expect(had).toBeGreaterThan(0)
      expect(had, 'it was held back').toBeLessThan(2_000)
      const cursor = records.at(-1)?.cursor ?? /^id: (\S+)/.exec(seen.at(-1)!)![1]!
      const rest = await exportTopic(gateway, topic, { cursor })
      expect(rest.records.map(({ offset }) => offset)).toEqual(
        Array.from({ length: 2_000 - had }, (_, n) => had + n),
      )
    },
  )

  it('that takes nothing costs bounded memory, and slows nobody else', { timeout: 60_000 }, async () => {
    const gateway = await startGatewayProcess({ SLUICE_WS_BUFFER_BYTES: String(MiB) })
    const topic = await makeLargeTopic(3_200)
    const memory = () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${gateway.process.pid}/status`, 'utf8'))![1]) * 1_024
    await exportTopic(gateway, topic, { limit: '500' })
    const before = memory()
    for (const accept of types) {
      for (let n = 0; n < 5; n++) ask(gateway, topic, accept).socket.pause()
    }
    const started = performance.now()
    expect((await exportTopic(gateway, topic)).records).toHaveLength(3_200)
    expect(performance.now() - started).toBeLessThan(30_000)
    // Of 32 MB each: what waits for the client, a fetch or two, and what the collector has not come to.
    expect(memory() - before).toBeLessThan(150 * MiB)
  })

  it('counts with the WebSockets, and is refused past SLUICE_MAX_STREAMS', async () => {
    const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '2' })
    const topic = await makeTopic()
    const socket = await connect(gateway, { topics: topic }).opened()
    const stream = await EventStream.open(gateway, topic)
    for (const accept of types) {
      const refused = await http(gateway).get(`/v1/topics/${topic}/records`, { headers: { accept } })
      expect(refused.json).toMatchObject({ status: 503, code: 'too_many_streams', retryable: true })
      expect(refused.headers.get('retry-after')).toBe('5')
    }
    await expect(connect(gateway, { topics: topic }).opened()).rejects.toThrow('503')
    // A read that is answered once is no stream.
    expect((await http(gateway).get(`/v1/topics/${topic}/records`)).status).toBe(200)
    await stream.close()
    await until(() => hasRoom(gateway, topic))
    await (await EventStream.open(gateway, topic)).event('caughtUp')
    socket.socket.close()
  })

  it('that vanishes at any moment leaves nothing behind: 300 of them', async () => {
    const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '60' })
    const topic = await makeTopic({ partitions: 2 })
    await produce(topic, numbered(20, { size: 1_000 }))
    let nth = 0
    const visit = async () => {
      const n = nth++
      const query = ['from=earliest', 'from=latest', 'from=never', 'follow=true'][n % 4]
      const raw = ask(gateway, topic, types[n % 2]!, query)
      if (n % 3 > 0) await Promise.race([until(() => raw.text() !== ''), raw.closed()])
      for (let wait = 0; wait < (n % 7) * 10; wait++) await turn()
      if (n % 2 === 0) raw.socket.resetAndDestroy()
      else raw.socket.destroy()
      await raw.closed()
    }
    const wave = () => Promise.all(Array.from({ length: 50 }, visit))
    await wave()
    const before = handles()
    for (let waves = 1; waves < 6; waves++) await wave()
    // Idle connections to Kafka are kept, a few for each kind of call.
    await expect.poll(() => handles() - before, { timeout: 10_000 }).toBeLessThan(20)
    const streams = await Promise.all(
      Array.from({ length: 60 }, () => EventStream.open(gateway, topic, { from: 'earliest' })),
    )
    await Promise.all(streams.map((stream) => stream.received(20)))
  })

  it('that closes its sending side, or sends garbage behind its request, is cut', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const half = ask(gateway, topic, types[0]!)
    await until(() => half.text().includes('retry'))
    half.socket.end()
    await half.closed()
    const rude = ask(gateway, topic, types[0]!)
    await until(() => rude.text().includes('retry'))
    rude.send('\0\0garbage\r\n\r\n')
    await rude.closed()
    expect(rude.text().match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200'])
  })

  it('that sends many requests on one connection gets their answers in turn, and leaves nothing behind', async () => {
    const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '5' })
    const topic = await makeTopic()
    const raw = ask(gateway, topic, types[0]!)
    for (let n = 0; n < 4; n++) {
      raw.sendHead(`GET /v1/topics/${topic}/records HTTP/1.1`, `Accept: ${types[0]}`)
    }
    await until(() => raw.text().includes('caughtUp'))
    raw.socket.destroy()
    await until(() => hasRoom(gateway, topic))
    const streams = await Promise.all(Array.from({ length: 5 }, () => EventStream.open(gateway, topic)))
    await Promise.all(streams.map((stream) => stream.event('caughtUp')))
  })

  it('of HTTP/1.0 gets its stream too, to the end of the connection', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    const raw = new RawConnection(gateway)
    raw.sendHead(`GET /v1/topics/${topic}/records HTTP/1.0`, 'Accept: application/x-ndjson')
    await raw.closed()
    expect(raw.text()).toMatch(/"v1"[^]*\n{"caughtUp":true,"cursor":"[\w-]+"}\n$/)
    expect(raw.text()).not.toMatch(/transfer-encoding/i)
  })
})

describe('a gateway that shuts down', () => {
  it('sends its streams elsewhere, where they go on without a gap', async () => {
    const gateway = await startTestGateway({ SLUICE_SHUTDOWN_TIMEOUT_MS: '4000' })
    const other = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    let n = 0
    let isWriting = true
    const writing = (async () => {
      while (isWriting) await produce(topic, numbered(10, { from: n, partition: (n += 10) % 3 }))
    })()
    onTestFinished(() => void (isWriting = false))
    const events = await EventStream.open(gateway, topic, { from: 'earliest' })
    const lines = exportTopic(gateway, topic, { follow: 'true' })
    await events.received(50)
    const stopped = gateway.stop()
    expect(await events.ended).toBe('ended')
    expect(await events.event('draining')).toEqual({ deadlineMs: 4_000 })
    expect(events.blocks.at(-1)!.type).toBe('draining')
    const { records, last } = await lines
    expect(last).toMatchObject({ error: { code: 'shutting_down', retryable: true } })
    await stopped
    isWriting = false
    await writing
    const restOfEvents = await exportTopic(other, topic, { cursor: events.lastId })
    const restOfLines = await exportTopic(other, topic, { cursor: last!.cursor as string })
    const expected = Array.from({ length: n }, (_, i) => `v${i}`).sort()
    const valuesOf = (...parts: { value: unknown }[][]) =>
      parts
        .flat()
        .map(({ value }) => value)
        .sort()
    expect(valuesOf(events.records, restOfEvents.records)).toEqual(expected)
    expect(valuesOf(records, restOfLines.records)).toEqual(expected)
  })

  it('is not held up past its deadline by a client that takes nothing, and sends a stream elsewhere that begins', async () => {
    const gateway = await startTestGateway({
      SLUICE_SHUTDOWN_TIMEOUT_MS: '1000',
      SLUICE_WS_BUFFER_BYTES: '65536',
    })
    const topic = await makeLargeTopic(2_000)
    const deaf = ask(gateway, topic, types[0]!)
    deaf.socket.pause()
    const kept = new RawConnection(gateway).sendHead('GET /healthz HTTP/1.1')
    await kept.answer()
    const began = performance.now()
    const stopped = gateway.stop()
    await untilRefused(gateway)
    // A browser gives up on an answer that is no stream: this is one, at whose end it comes back.
    kept.sendHead(`GET /v1/topics/${topic}/records HTTP/1.1`, 'Accept: text/event-stream')
    await kept.closed()
    expect(kept.text()).toMatch(
      /^HTTP\/1.1 200 [^]*\r\nconnection: close[^]*event: draining\nid: \S+\ndata: .*\n\n/i,
    )
    expect(kept.text()).not.toContain('\nevent: record')
    await stopped
    expect(performance.now() - began).toBeLessThan(4_000)
  })
})
