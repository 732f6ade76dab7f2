import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'
import { recordsIn } from '../../support/topics.ts'

const text = (bytes: Buffer | null | undefined) => (bytes ? bytes.toString() : bytes)

async function setUp(partitions = 1) {
  const gateway = await startTestGateway()
  const topic = await makeTopic({ partitions })
  const path = `/v1/topics/${topic}/records`
  const client = http(gateway)
  const post = (query: string, body: string | Buffer, headers: Record<string, string>) =>
    client.post(path + query, body, { headers })
  return { gateway, topic, path, client, post }
}

const json = { 'content-type': 'application/json' }

describe('a body with ?value=body', () => {
  it.each([
    ['a JSON object, with its spaces', 'application/json', '{ "a" : 1.0,\n"a":2 }'],
    ['what would be a batch', 'application/json', '{"records":[{"value":1}]}'],
    ['JSON that is none', 'application/json', '{"half":'],
    ['nothing', 'application/json', ''],
    ['JSON in another charset', 'application/json; charset=utf-16', Buffer.from('"é"', 'utf16le')],
    ['many lines', 'application/x-ndjson', '{"a":1}\n{"a":2}\n'],
    ['an event', 'application/cloudevents+json', '{"specversion":"1.0"}'],
    ['a form', 'application/x-www-form-urlencoded', 'payload=%7B%7D&x=1'],
  ])('is the value of one record, byte for byte: %s', async (_, type, body) => {
    const { topic, post } = await setUp()
    const answer = await post('?value=body', body, { 'content-type': type })
    expect(answer.json).toMatchObject({ partition: 0, offset: 0 })
    const records = await readAll(topic)
    expect(records).toHaveLength(1)
    expect(records[0]!.value).toEqual(Buffer.from(body))
    expect(records[0]!.headers).toEqual({ 'content-type': Buffer.from(type) })
    expect(records[0]!.key).toBe(null)
  })

  it('takes a webhook as it is: key, headers, partition and time as the URL says', async () => {
    const { topic, post } = await setUp(3)
    const body = '{"action":"opened","repository":{"id":1296269,"name":"a/b"}}'
    const webhook = { ...json, 'X-GitHub-Event': 'issues', 'X-GitHub-Delivery': '72d3162e', 'X-Other': 'no' }
    const query = '?value=body&headers=X-GitHub-Event,x-github-delivery,X-Missing&timestamp=1600000000123'
    expect((await post(`${query}&keyHeader=x-github-DELIVERY`, body, webhook)).status).toBe(200)
    expect((await post(`${query}&keyPointer=/repository/id`, body, webhook)).status).toBe(200)
    expect((await post(`${query}&key=k&partition=2`, body, webhook)).json).toMatchObject({ partition: 2 })
    const records = await readAll(topic)
    expect(records.map(({ key }) => text(key)).toSorted()).toEqual(['1296269', '72d3162e', 'k'])
    for (const { value, headers, timestamp } of records) {
      expect([text(value), timestamp]).toEqual([body, '1600000000123'])
      expect(Object.entries(headers!)).toEqual([
        ['X-GitHub-Event', Buffer.from('issues')],
        ['x-github-delivery', Buffer.from('72d3162e')],
        ['content-type', Buffer.from('application/json')],
      ])
    }
    // The same key, sent as a JSON record, goes to the same partition.
    const same = await post('', '{"key":1296269,"value":1}', json)
    const byPointer = records.find(({ key }) => text(key) === '1296269')!
    expect(same.json).toMatchObject({ partition: byPointer.partition })
  })

  it.each([
    ['key=a&keyHeader=X-A', 'invalid_parameter', 'key and keyHeader each name the key'],
    ['keyHeader=X-A&keyPointer=/a', 'invalid_parameter', 'keyHeader and keyPointer each name the key'],
    ['keyHeader=X-Missing', 'invalid_parameter', 'the request has no X-Missing'],
    ['keyHeader=', 'invalid_parameter', 'expected the name of a request header'],
    ['keyHeader=Authorization', 'invalid_parameter', 'credentials'],
    ['headers=X-A,cookie', 'invalid_parameter', 'credentials'],
    ['headers=X-A,', 'invalid_parameter', 'expected the name of a request header'],
    ['keyPointer=a', 'invalid_parameter', 'RFC 6901'],
    ['keyPointer=/missing', 'invalid_request', 'There is no key at /missing'],
    ['keyPointer=/null', 'invalid_request', 'it is null'],
    ['timestamp=-1', 'invalid_parameter', 'milliseconds'],
    ['timestamp=9007199254740993', 'invalid_parameter', 'milliseconds'],
    ['timestamp=2026-01-01', 'invalid_parameter', 'milliseconds'],
    ['value=other', 'invalid_parameter', 'expected body'],
    ['results=all', 'invalid_parameter', 'no such parameter'],
  ])('is refused with %s', async (query, code, detail) => {
    const { topic, post } = await setUp()
    const headers = { ...json, 'X-A': 'a', authorization: 'Bearer x' }
    const answer = await post(
      `?value=body&${query}`.replace('value=body&value', 'value'),
      '{"null":null}',
      headers,
    )
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ code, outcome: 'not_written' })
    expect((answer.json as { detail: string }).detail).toContain(detail)
    expect(await recordsIn(topic)).toBe(0)
  })

  it('is what a JSON body needs where its key is in the URL, and the answer says so', async () => {
    const { topic, post } = await setUp()
    const answer = await post('?key=a', '{"value":1}', json)
    expect(answer.status).toBe(422)
    expect((answer.json as { detail: string }).detail).toContain('value=body')
    expect(await recordsIn(topic)).toBe(0)
  })

  it('finds no key where the header is there twice', async () => {
    const { gateway, topic, path } = await setUp()
    const connection = new RawConnection(gateway)
    const request = [
      `POST ${path}?keyHeader=x-id HTTP/1.1`,
      'Content-Type: a/b',
      'Content-Length: 1',
    ] as const
    connection.sendHead(...request, 'X-Id: 1', 'X-ID: 2').send('v')
    expect(await connection.answer()).toMatchObject({ status: 422, json: { code: 'invalid_parameter' } })
    expect(await recordsIn(topic)).toBe(0)
  })
})

describe('a form', () => {
  it('is kept as it was sent, parts, files and all, with the type that says how to read it', async () => {
    const { topic, client, path } = await setUp()
    const form = new FormData()
    form.set('name', 'Zoë')
    form.set('photo', new Blob([new Uint8Array([0, 255, 13, 10])], { type: 'image/png' }), 'p.png')
    const request = new Request('http://gateway', { method: 'POST', body: form })
    const type = request.headers.get('content-type')!
    const bytes = Buffer.from(await request.arrayBuffer())
    expect((await client.post(`${path}?key=k`, bytes, { headers: { 'content-type': type } })).status).toBe(
      200,
    )
    const [record] = await readAll(topic)
    expect(text(record!.key)).toBe('k')
    const parsed = await new Response(new Uint8Array(record!.value!), {
      headers: { 'content-type': text(record!.headers!['content-type'] as Buffer)! },
    }).formData()
    expect(parsed.get('name')).toBe('Zoë')
    expect(new Uint8Array(await (parsed.get('photo') as File).arrayBuffer())).toEqual(
      new Uint8Array([0, 255, 13, 10]),
    )
  })

  it('that is JSON is a forgotten header, and refused', async () => {
    const { topic, post } = await setUp()
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await post('', '{"value":1}', form)
    expect([answer.status, (answer.json as { code: string }).code]).toEqual([415, 'unsupported_media_type'])
    expect(await recordsIn(topic)).toBe(0)
  })
})
