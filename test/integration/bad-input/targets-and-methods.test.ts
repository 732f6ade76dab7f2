import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { RawConnection } from '../../support/raw-http.ts'

async function get(target: string, ...headers: string[]) {
  return new RawConnection(await startTestGateway()).sendHead(`GET ${target} HTTP/1.1`, ...headers).answer()
}

describe('the request target', () => {
  it.each([
    ['a percent sign alone', '/v1/topics/%'],
    ['hexadecimal that is none', '/v1/topics/%zz'],
    ['bytes that are not UTF-8', '/v1/topics/%ff'],
    ['an overlong slash', '/v1/topics/%c0%af'],
    ['an encoded surrogate', '/v1/topics/%ed%a0%80'],
    ['such a query', '/v1/topics?key=%ff'],
    ['dot segments', '/v1/topics/../topics'],
    ['encoded dot segments', '/v1/topics/%2e%2e'],
    ['half encoded dot segments', '/v1/topics/.%2E/topics'],
    ['a dot segment', '/v1/./topics'],
    ['a backslash', '/v1\\topics'],
    ['a fragment', '/v1/topics#here'],
  ])('with %s is 400 bad_request', async (_, target) => {
    const answer = await get(target)
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'bad_request' })
    expect(answer.headers['x-request-id']).toBe(answer.json.instance)
  })

  it.each([
    ['a slash', '/v1/topics/a%2Fb'],
    ['NUL', '/v1/topics/a%00b'],
    ['a line break', '/v1/topics/a%0d%0ab'],
    ['a percent sign', '/v1/topics/%2525'],
    ['dots after one more decoding', '/v1/topics/%252e%252e'],
  ])('is decoded once: %s in a topic name is 422 invalid_topic_name', async (_, target) => {
    const answer = await get(target)
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code: 'invalid_topic_name' })
  })

  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/topics/',
    '/v1//topics',
    '//v1/topics',
    '/V1/topics',
    '/v1/topics%2F',
    '/v1%2Ftopics',
    '/healthz/',
    '/v2/topics',
    '/v1/topics/t/records/',
    '/index.php',
    '/.env',
  ])('%s is 404 no_such_route', async (target) => {
    const answer = await get(target)
    expect(answer.status).toBe(404)
    expect(answer.json).toMatchObject({ code: 'no_such_route' })
  })

  it('is served in absolute form, whatever host it names', async () => {
    const gateway = await startTestGateway()
    const target = 'http://elsewhere.example:1/healthz'
    const answer = await new RawConnection(gateway).sendHead(`GET ${target} HTTP/1.1`).answer()
    expect(answer.status).toBe(200)
  })

  it.each(['gateway', 'unknown.example', 'unknown.example:81', '[::1]:8080', '127.0.0.1', 'a_b'])(
    'is served for Host %s where any is allowed, since there are no virtual hosts',
    async (host) => {
      const connection = new RawConnection(await startTestGateway({ SLUICE_ALLOWED_HOSTS: '*' }))
      connection.send(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      expect((await connection.answer()).status).toBe(200)
    },
  )

  it('is served over HTTP/1.0 without a Host, as some health checks send it', async () => {
    const connection = new RawConnection(await startTestGateway()).send('GET /healthz HTTP/1.0\r\n\r\n')
    expect((await connection.answer()).status).toBe(200)
    await connection.closed()
  })
})

describe('a wish for another protocol', () => {
  it.each(['h2c', 'TLS/1.0', 'http/2, h2c'])('(%s) is served over HTTP/1.1', async (upgrade) => {
    const gateway = await startTestGateway()
    const connection = new RawConnection(gateway).sendHead(
      'POST /v1/topics HTTP/1.1',
      'Connection: Upgrade, HTTP2-Settings',
      `Upgrade: ${upgrade}`,
      'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
      'Content-Type: application/json',
      'Content-Length: 2',
    )
    const answer = await connection.send('{}').answer()
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ errors: [{ pointer: '/name' }] })
  })

  it('(Expect: 100-continue) is granted', async () => {
    const connection = new RawConnection(await startTestGateway())
    connection.sendHead(
      'POST /v1/topics HTTP/1.1',
      'Content-Type: application/json',
      'Expect: 100-continue',
      'Content-Length: 2',
    )
    expect((await connection.send('{}').answer()).status).toBe(422)
  })
})

describe('the method', () => {
  const routes: [string, string][] = [
    ['/healthz', 'GET, HEAD'],
    ['/v1/topics', 'GET, HEAD, POST'],
    ['/v1/topics/t', 'DELETE, GET, HEAD, PATCH'],
    ['/problems/bad_request', 'GET, HEAD'],
  ]

  it.each(routes)('that %s does not take is 405, with Allow: %s', async (path, allow) => {
    const gateway = await startTestGateway()
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'OPTIONS', 'PROPFIND', 'QUERY']) {
      if (allow.split(', ').includes(method)) continue
      const answer = await new RawConnection(gateway).sendHead(`${method} ${path} HTTP/1.1`).answer()
      expect({ method, status: answer.status, allow: answer.headers.allow }).toEqual({
        method,
        status: 405,
        allow,
      })
      expect(answer.json).toMatchObject({ code: 'method_not_allowed' })
    }
  })

  it('TRACE does not echo what was sent', async () => {
    const connection = new RawConnection(await startTestGateway())
    const answer = await connection.sendHead('TRACE /healthz HTTP/1.1', 'Authorization: secret').answer()
    expect(answer.body).not.toContain('secret')
  })

  it.each(['OPTIONS *', 'GET *'])('%s, of no resource, is 400', async (line) => {
    const answer = await new RawConnection(await startTestGateway()).sendHead(`${line} HTTP/1.1`).answer()
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({ code: 'bad_request' })
  })

  it('CONNECT opens no tunnel', async () => {
    const connection = new RawConnection(await startTestGateway())
    connection.send('CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n')
    await connection.closed()
    expect(connection.text()).not.toMatch(/^HTTP\/1.1 2/)
  })

  it.each(['/healthz', '/v1/topics', '/openapi.yaml', '/docs', '/problems/bad_request', '/nothing'])(
    'HEAD %s answers what GET would, without the body',
    async (path) => {
      const gateway = await startTestGateway()
      const [head, full] = [await http(gateway).head(path), await http(gateway).get(path)]
      expect(head.status).toBe(full.status)
      expect(head.bytes).toHaveLength(0)
      expect(head.headers.get('content-type')).toBe(full.headers.get('content-type'))
      const connection = new RawConnection(gateway).sendHead(`HEAD ${path} HTTP/1.1`, 'Connection: close')
      await connection.closed()
      expect(connection.text()).toMatch(/\r\n\r\n$/)
    },
  )
})
