import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { createTopic, recordsIn } from '../../support/topics.ts'

const LIMIT = 65_536

async function gatewayAndTopic() {
  const gateway = await startTestGateway({ SLUICE_MAX_BODY_BYTES: String(LIMIT) })
  return { gateway, topic: await createTopic(http(gateway)) }
}

const raw = 'Content-Type: application/octet-stream'

describe('a body over SLUICE_MAX_BODY_BYTES', () => {
  it('is 413 as soon as Content-Length says so, before any of it is sent', async () => {
    const { gateway, topic } = await gatewayAndTopic()
    const connection = new RawConnection(gateway)
    connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, raw, 'Content-Length: 9000000000')
    const answer = await connection.answer()
    expect(answer.status).toBe(413)
    expect(answer.json).toMatchObject({ code: 'body_too_large', limit: LIMIT, outcome: 'not_written' })
    expect(answer.headers.connection).toBe('close')
    await connection.closed()
  })

  it('is 413 where it is sent in chunks without a length, and what is over it is not kept', async () => {
    const { gateway, topic } = await gatewayAndTopic()
    const connection = new RawConnection(gateway)
    connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, raw, 'Transfer-Encoding: chunked')
    for (let i = 0; i <= LIMIT / 1_024; i++) connection.send(`400\r\n${'x'.repeat(1_024)}\r\n`)
    const answer = await connection.answer()
    expect(answer.status).toBe(413)
    expect(answer.json).toMatchObject({ code: 'body_too_large' })
    await connection.closed()
    expect(await recordsIn(topic)).toBe(0)
  })

  it.each([2, 40])('tells so even a client that sends all its %i MB before it reads', async (megabytes) => {
    const { gateway, topic } = await gatewayAndTopic()
    for (let i = 0; i < 5; i++) {
      const connection = new RawConnection(gateway)
      connection.socket.pause()
      const size = megabytes * 1_048_576
      connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, raw, `Content-Length: ${size}`)
      if (!connection.socket.write(Buffer.alloc(size))) await once(connection.socket, 'drain')
      connection.socket.resume()
      expect((await connection.answer()).status).toBe(413)
      await connection.closed()
    }
    expect(await recordsIn(topic)).toBe(0)
  })

  it('does not hold on to a client that never stops sending', async () => {
    const { gateway, topic } = await gatewayAndTopic()
    const connection = new RawConnection(gateway)
    connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, raw, 'Transfer-Encoding: chunked')
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`)
    const pump = () => {
      while (!connection.socket.destroyed && connection.socket.write(chunk));
    }
    connection.socket.on('drain', pump)
    pump()
    expect((await connection.answer()).status).toBe(413)
    await connection.closed()
  })

  it('is 413 for a topic to be made, too, and the next connection is served', async () => {
    const { gateway } = await gatewayAndTopic()
    const body = JSON.stringify({ name: 'x'.repeat(LIMIT) })
    const answer = await http(gateway).post('/v1/topics', body, {
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.status).toBe(413)
    expect((await http(gateway).get('/v1/topics')).status).toBe(200)
  })

  it('is not one at the limit exactly', async () => {
    const { gateway, topic } = await gatewayAndTopic()
    const headers = { 'content-type': 'application/octet-stream' }
    const path = `/v1/topics/${topic}/records`
    expect((await http(gateway).post(path, Buffer.alloc(LIMIT), { headers })).status).toBe(200)
    expect((await http(gateway).post(path, Buffer.alloc(LIMIT + 1), { headers })).status).toBe(413)
    expect(await recordsIn(topic)).toBe(1)
  })
})

describe('a client that goes away halfway through its body', () => {
  it.each([
    ['a length', 'Content-Length: 1000', 'half of it'],
    ['chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n'],
  ])('has written nothing (%s), and the gateway goes on', async (_, header, start) => {
    const { gateway, topic } = await gatewayAndTopic()
    for (let i = 0; i < 10; i++) {
      const connection = new RawConnection(gateway)
      connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, raw, header)
      await once(connection.send(start).socket, 'connect')
      connection.socket.end()
      await connection.closed()
    }
    const produced = await http(gateway).post(`/v1/topics/${topic}/records`, { value: 'whole' })
    expect(produced.json).toMatchObject({ offset: 0 })
  })
})
