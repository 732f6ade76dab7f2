import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { createTopic, recordsIn } from '../../support/topics.ts'

const json = { headers: { 'content-type': 'application/json' } }

/** Sends a body to both routes that read JSON, and checks that neither did anything. */
async function refused(
  client: HttpClient,
  body: string | Buffer,
  status: number,
  code: string,
): Promise<void> {
  const topic = await createTopic(client)
  for (const path of ['/v1/topics', `/v1/topics/${topic}/records`]) {
    const answer = await client.post(path, body, json)
    expect({ path, status: answer.status, code: (answer.json as { code: string }).code }).toEqual({
      path,
      status,
      code,
    })
  }
  expect(await recordsIn(topic)).toBe(0)
}

describe('a JSON body', () => {
  it.each([
    ['nothing', ''],
    ['a truncated document', '{"name":"t","value":'],
    ['trailing garbage', '{"value":1,"name":"t"}x'],
    ['two documents', '{"value":1}{"value":2}'],
    ['a comment', '{"value":1 /* one */}'],
    ['single quotes', "{'value':1}"],
    ['NaN', '{"value":NaN}'],
    ['a number with a leading zero', '{"value":01}'],
    ['a bare control character', '{"value":"a\nb"}'],
    ['half a surrogate pair in a value', '{"value":"\\ud800","name":"\\ud800"}'],
    ['half a surrogate pair in a name', '{"value":1,"headers":{"\\udc00":"x"}}'],
  ])('with %s is 400 malformed_json, and nothing is done', async (_, body) => {
    await refused(http(await startTestGateway()), body, 400, 'malformed_json')
  })

  it.each([
    ['a byte that starts nothing', [0xff]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a character cut short', [0xe2, 0x82]],
  ])('with %s in place of UTF-8 is 400 malformed_json, never replaced by U+FFFD', async (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"value":"'), Buffer.from(bytes), Buffer.from('","name":"t"}')])
    await refused(http(await startTestGateway()), body, 400, 'malformed_json')
  })

  it.each<[string, unknown, string]>([
    ['null', null, ''],
    ['a list', [{ value: 1 }], ''],
    ['text', '"text"', ''],
    ['records that are an object', { records: {} }, '/records'],
    ['a record that is text', { records: ['x'] }, '/records/0'],
    ['an unknown member', { value: 1, valeu: 2 }, '/valeu'],
    ['an unknown member in a batch', { records: [{ value: 1 }, { value: 1, k: 2 }] }, '/records/1/k'],
  ])('of a produce that is %s is 422 invalid_request with a pointer', async (_, body, pointer) => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await client.post(`/v1/topics/${topic}/records`, text, json)
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({
      code: 'invalid_request',
      outcome: 'not_written',
      errors: [{ pointer }],
    })
    expect(await recordsIn(topic)).toBe(0)
  })

  it.each([
    [{}, '/name', 'is missing: expected a text'],
    [{ name: 1 }, '/name', 'expected a text'],
    [{ name: 't', validateOnly: 1 }, '/validateOnly', 'expected true or false'],
    [{ name: 't', cleanup: 'x' }, '/cleanup', 'expected delete, compact or compact,delete'],
    [[], '', 'expected an object'],
  ])('of a topic that is %j is refused in words a client understands', async (body, pointer, reason) => {
    const answer = await http(await startTestGateway()).post('/v1/topics', JSON.stringify(body), json)
    expect(answer.json).toMatchObject({ code: 'invalid_request', errors: [{ pointer, reason }] })
  })

  it('nested 10,000 deep is 400 or 422, never a crash', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`
    const produced = await client.post(`/v1/topics/${topic}/records`, `{"value":${deep}}`, json)
    expect(produced.json).toMatchObject({ code: 'malformed_json' })
    const made = await client.post('/v1/topics', `{"name":"t","configs":${deep}}`, json)
    expect([400, 422]).toContain(made.status)
    expect((await client.get('/healthz')).status).toBe(200)
  })

  it('keeps __proto__ and constructor in a value as plain data', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const value = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
    expect((await client.post(`/v1/topics/${topic}/records`, `{"value":${value}}`, json)).status).toBe(200)
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    const refusedKey = await client.post(`/v1/topics/${topic}/records`, '{"value":1,"__proto__":{}}', json)
    expect(refusedKey.status).toBe(422)
  })
})

describe('Content-Type', () => {
  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/json; charset=utf-16', 415],
    ['application/jsonp', 415],
    ['application/json; charset="UTF-8"', 422],
    ['Application/JSON', 422],
  ])('%s of a body that must be JSON is %i', async (type, status) => {
    const client = http(await startTestGateway())
    const answer = await client.post('/v1/topics', '{}', { headers: { 'content-type': type } })
    expect(answer.status).toBe(status)
    if (status !== 415) return
    expect(answer.json).toMatchObject({ code: 'unsupported_media_type' })
    expect(answer.headers.get('accept-post')).toContain('application/json')
  })

  it.each(['gzip', 'deflate', 'br', 'zstd', 'gzip, identity', 'compress'])(
    'Content-Encoding %s is 415, and nothing is inflated',
    async (encoding) => {
      const client = http(await startTestGateway())
      const topic = await createTopic(client)
      for (const path of ['/v1/topics', `/v1/topics/${topic}/records`]) {
        const headers = { ...json.headers, 'content-encoding': encoding }
        const answer = await client.post(path, '{"value":1}', { headers })
        expect(answer.status).toBe(415)
        expect(answer.json).toMatchObject({ code: 'unsupported_content_encoding' })
      }
      expect(await recordsIn(topic)).toBe(0)
    },
  )
})

describe('Accept', () => {
  it.each([
    ['GET', '/v1/topics', 'text/html'],
    ['GET', '/healthz', 'application/xml'],
    ['GET', '/openapi.yaml', 'application/json'],
    ['POST', '/v1/topics', 'application/json;q=0'],
  ])('of %s %s that cannot be met (%s) is 406, and nothing is done', async (method, path, accept) => {
    const client = http(await startTestGateway())
    const answer = await client.request(method, path, { headers: { accept } })
    expect(answer.status).toBe(406)
    expect(answer.json).toMatchObject({ code: 'not_acceptable' })
  })

  it('of a produce that cannot be met is 406 and says that nothing is written, and nothing is', async () => {
    const client = http(await startTestGateway())
    const topic = await createTopic(client)
    const headers = { ...json.headers, accept: 'text/html' }
    const transaction = { records: [{ topic, value: 1 }] }
    for (const answer of [
      await client.post(`/v1/topics/${topic}/records`, '{"value":1}', { headers }),
      await client.post('/v1/transactions', JSON.stringify(transaction), { headers }),
    ]) {
      expect(answer).toMatchObject({ status: 406, json: { outcome: 'not_written' } })
    }
    expect(await recordsIn(topic)).toBe(0)
  })
})
