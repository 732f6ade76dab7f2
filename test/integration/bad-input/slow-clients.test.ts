import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { createTopic, recordsIn } from '../../support/topics.ts'

const timeouts = { headersMs: 300, requestMs: 600, keepAliveMs: 300, checkMs: 50 }

/** Sends one byte every so often, until the other side has had enough. */
function trickle(connection: RawConnection, bytes: string): void {
  let sent = 0
  const timer = setInterval(() => {
    if (connection.socket.writable) connection.send(bytes[sent++ % bytes.length]!)
  }, 50)
  void connection.closed().then(() => clearInterval(timer))
}

describe('a client that is slow', () => {
  it('with its headers is 408, and the connection is closed', async () => {
    const connection = new RawConnection(await startTestGateway({}, { timeouts }))
    connection.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n')
    trickle(connection, 'X-A: b\r\n')
    const answer = await connection.answer()
    expect(answer.status).toBe(408)
    expect(answer.json).toMatchObject({ code: 'request_timeout', retryable: true })
    expect(answer.headers['retry-after']).toBe('1')
    await connection.closed()
  })

  it('with its body is 408, the connection is closed, and nothing is written', async () => {
    const gateway = await startTestGateway({}, { timeouts })
    const topic = await createTopic(http(gateway))
    const connection = new RawConnection(gateway)
    const type = 'Content-Type: text/plain'
    connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, type, 'Content-Length: 100')
    trickle(connection, 'slow')
    const answer = await connection.answer()
    expect(answer.status).toBe(408)
    expect(answer.json).toMatchObject({ code: 'request_timeout' })
    await connection.closed()
    expect(await recordsIn(topic)).toBe(0)
  })

  it('to send anything at all is closed', async () => {
    const connection = new RawConnection(await startTestGateway({}, { timeouts }))
    await connection.closed()
  })

  it('to send its next request is closed without an answer', async () => {
    const connection = new RawConnection(await startTestGateway({}, { timeouts }))
    connection.sendHead('GET /healthz HTTP/1.1')
    expect((await connection.answer()).status).toBe(200)
    await connection.closed()
    expect(connection.text()).toBe('')
  })

  it('to read is not: waiting for the answer does not count', async () => {
    const gateway = await startTestGateway({ KAFKA_BROKERS: '127.0.0.1:1' }, { timeouts })
    const connection = new RawConnection(gateway)
    connection.socket.pause()
    connection.sendHead('GET /openapi.json HTTP/1.1')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    connection.socket.resume()
    expect((await connection.answer()).status).toBe(200)
  })
})
