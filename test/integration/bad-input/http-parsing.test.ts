import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { createTopic, recordsIn } from '../../support/topics.ts'

describe('a request that two servers could read differently', () => {
  it.each<[string, string[], string]>([
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\nSMUGG'],
    ['chunks and a length', ['Transfer-Encoding: chunked', 'Content-Length: 5'], '0\r\n\r\nSMUGG'],
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6'], 'hello!'],
    ['two equal lengths', ['Content-Length: 5', 'Content-Length: 5'], 'hello'],
    ['two lengths in one line', ['Content-Length: 5, 5'], 'hello'],
    ['a length with a sign', ['Content-Length: +5'], 'hello'],
    ['a negative length', ['Content-Length: -5'], 'hello'],
    ['a hexadecimal length', ['Content-Length: 0x5'], 'hello'],
    ['a length past 64 bits', ['Content-Length: 99999999999999999999'], 'hello'],
    ['a space before the colon', ['Content-Length : 5'], 'hello'],
    ['a folded header', ['X-Folded: a', ' b', 'Content-Length: 5'], 'hello'],
    ['a transfer coding that is not chunked', ['Transfer-Encoding: xchunked'], '5\r\nhello\r\n0\r\n\r\n'],
    ['chunked not last', ['Transfer-Encoding: chunked, identity'], '5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size that is no number', ['Transfer-Encoding: chunked'], 'zz\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size with a sign', ['Transfer-Encoding: chunked'], '+5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk longer than it says', ['Transfer-Encoding: chunked'], '3\r\nhello\r\n0\r\n\r\n'],
    ['a NUL in a header', ['X-Nul: a\0b', 'Content-Length: 5'], 'hello'],
  ])('(%s) is 400, the connection is closed, and nothing is written', async (_, headers, body) => {
    const gateway = await startTestGateway()
    const topic = await createTopic(http(gateway))
    const connection = new RawConnection(gateway)
    connection.sendHead(
      `POST /v1/topics/${topic}/records HTTP/1.1`,
      'Content-Type: application/octet-stream',
      ...headers,
    )
    connection.send(body).send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answer = await connection.answer()
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'bad_request', status: 400 })
    await connection.closed()
    expect(connection.text(), 'the request after it was served').toBe('')
    expect(await recordsIn(topic)).toBe(0)
  })

  it.each([
    ['more bytes than its length says', 'xx\r\n\r\n'],
    ['a second one that is wrong', 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\nhello'],
  ])('(%s) does not hide that the one before was written', async (_, after) => {
    const gateway = await startTestGateway()
    const topic = await createTopic(http(gateway))
    const connection = new RawConnection(gateway)
    connection.send(
      `POST /v1/topics/${topic}/records HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello${after}`,
    )
    expect(await connection.answer()).toMatchObject({ status: 200, json: { partition: 0, offset: 0 } })
    expect(await connection.answer()).toMatchObject({ status: 400, json: { code: 'bad_request' } })
    await connection.closed()
    expect(await recordsIn(topic)).toBe(1)
  })

  it.each([
    ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: localhost\n\n'],
    ['no Host', 'GET /healthz HTTP/1.1\r\n\r\n'],
    ['two Hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'],
    ['a Host that is no host', 'GET /healthz HTTP/1.1\r\nHost: a/b?c\r\n\r\n'],
    ['a Host with a user', 'GET /healthz HTTP/1.1\r\nHost: u@gateway\r\n\r\n'],
    ['another protocol', 'GET /healthz HTTQ/1.1\r\nHost: localhost\r\n\r\n'],
    ['no method', '/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a method of its own', 'FROB /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a space in the target', 'GET /healthz /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ])('(%s) is 400 as a problem', async (_, bytes) => {
    const connection = new RawConnection(await startTestGateway()).send(bytes)
    const answer = await connection.answer()
    expect(answer.status).toBe(400)
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.json).toMatchObject({ code: 'bad_request' })
    expect(answer.headers['x-request-id']).toBe(answer.json.instance)
  })
})

describe('headers', () => {
  it('over 16 KiB are 431 headers_too_large, and the connection is closed', async () => {
    const connection = new RawConnection(await startTestGateway())
    connection.sendHead('GET /healthz HTTP/1.1', `X-Large: ${'x'.repeat(17_000)}`)
    const answer = await connection.answer()
    expect(answer.status).toBe(431)
    expect(answer.json).toMatchObject({ code: 'headers_too_large' })
    await connection.closed()
  })

  it('of a record are all kept, or none is: too many are 431', async () => {
    const gateway = await startTestGateway()
    const topic = await createTopic(http(gateway))
    const produce = async (more: number) => {
      const connection = new RawConnection(gateway)
      connection.sendHead(
        `POST /v1/topics/${topic}/records HTTP/1.1`,
        'Content-Type: text/plain',
        'Content-Length: 1',
        ...Array<string>(more).fill('a:'),
        'Kafka-Header-Last: kept',
      )
      connection.send('v')
      return connection.answer()
    }
    expect((await produce(250)).status).toBe(200)
    const read = await http(gateway).get(`/v1/topics/${topic}/partitions/0/records/0`)
    expect(JSON.stringify(read.json)).toContain('kept')
    // Past 2,000 Node leaves out the rest without a word, by default.
    for (const tooMany of [256, 2_500]) {
      const { status, json } = await produce(tooMany)
      expect([status, json]).toMatchObject([431, { code: 'headers_too_large' }])
    }
  })

  it('in a flood of chunk extensions are 413, and the connection is closed', async () => {
    const gateway = await startTestGateway()
    const topic = await createTopic(http(gateway))
    const connection = new RawConnection(gateway)
    connection.sendHead(
      `POST /v1/topics/${topic}/records HTTP/1.1`,
      'Content-Type: text/plain',
      'Transfer-Encoding: chunked',
    )
    connection.send(`1;${'x'.repeat(20_000)}\r\na\r\n0\r\n\r\n`)
    const answer = await connection.answer()
    expect(answer.status).toBe(413)
    expect(answer.json).toMatchObject({ code: 'body_too_large' })
    await connection.closed()
  })

  it.each(['text/plain', 'application/json', 'application/x-ndjson'])(
    'with a transfer coding that is still in the bytes are 415, and nothing is written: %s',
    async (type) => {
      const gateway = await startTestGateway()
      const topic = await createTopic(http(gateway))
      const connection = new RawConnection(gateway)
      connection.sendHead(
        `POST /v1/topics/${topic}/records HTTP/1.1`,
        `Content-Type: ${type}`,
        'Transfer-Encoding: gzip, chunked',
      )
      connection.send('b\r\n{"value":1}\r\n0\r\n\r\n')
      const answer = await connection.answer()
      expect(answer.status).toBe(415)
      expect(answer.json).toMatchObject({ code: 'unsupported_content_encoding', outcome: 'not_written' })
      expect(await recordsIn(topic)).toBe(0)
    },
  )
})
