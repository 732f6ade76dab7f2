import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'

const json = { headers: { 'content-type': 'application/json' } }

/** Posts one body and gives back the record that the witness finds. */
async function roundTrip(
  path: string,
  body: string | Buffer,
  headers: Record<string, string> = json.headers,
) {
  const gateway = await startTestGateway()
  const topic = await makeTopic()
  const answer = await http(gateway).post(`/v1/topics/${topic}/records${path}`, body, { headers })
  expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('"offset":0')])
  const records = await readAll(topic)
  expect(records).toHaveLength(1)
  return records[0]!
}

describe('a JSON key or value', () => {
  it.each([
    ['a trailing zero', '1.0'],
    ['a number past any double', '1e400'],
    ['twenty digits', '12345678901234567890'],
    ['negative zero', '-0'],
    ['white space and the order of members', '{ "b" : 1,\t"a":[ 1 , 2 ] ,"b":2 }'],
    ['escapes as they were written', '{"\\u0061":"\\/\\u00e9","x":"\\ud800"}'],
    ['a boolean', 'true'],
    ['an empty object', '{ }'],
    ['__proto__', '{"__proto__":{"a":1}}'],
  ])('keeps %s: %s', async (_, source) => {
    const { key, value } = await roundTrip('', `{"key" : ${source} ,"value":\n${source}}`)
    expect([String(key), String(value)]).toEqual([source, source])
  })

  it.each([
    ['"plain"', 'plain'],
    ['"\\u00e9\\n\\"\\\\\\ud83d\\udca5"', 'é\n"\\💥'],
    ['"é💥\u2028\\u0000"', 'é💥\u2028\0'],
    ['"{\\"a\\":1}"', '{"a":1}'],
    ['"null"', 'null'],
  ])('that is the string %s is the text itself', async (source, expected) => {
    const { key, value } = await roundTrip('', `{"key":${source},"value":${source}}`)
    expect([String(key), String(value)]).toEqual([expected, expected])
  })

  it('that says base64 is the bytes, with slashes escaped or not', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const text = bytes.toString('base64')
    const body = `{"key":"${text.replaceAll('/', '\\/')}","keyEncoding":"base64","value":"${text}","valueEncoding":"base64"}`
    const { key, value } = await roundTrip('', body)
    expect([key, value]).toEqual([bytes, bytes])
  })
})

describe('a body of any other type', () => {
  it.each([
    ['bytes that are no text', 'application/octet-stream', Buffer.from([0, 0xff, 0xfe, 0x0a])],
    ['nothing at all', 'text/plain', Buffer.alloc(0)],
    ['what looks like JSON', 'application/vnd.api+json', Buffer.from('{"value":1}')],
    ['a million bytes', 'image/png', Buffer.alloc(1_000_000, 7)],
  ])('is the value of one record: %s', async (_, type, body) => {
    const record = await roundTrip('', body, { 'content-type': type })
    expect(record.value!.equals(body)).toBe(true)
    expect(record.key).toBe(null)
    expect(record.headers).toEqual({ 'content-type': Buffer.from(type) })
  })

  it('takes its key from the query, as text, empty or not', async () => {
    const octets = { 'content-type': 'application/octet-stream' }
    expect(String((await roundTrip('?key=%D0%BA%20%2F%2B', 'v', octets)).key)).toBe('к /+')
    expect((await roundTrip('?key=', 'v', octets)).key).toEqual(Buffer.alloc(0))
  })

  it('is written to the partition that the query names, or refused where there is none', async () => {
    const client = http(await startTestGateway())
    const topic = await makeTopic({ partitions: 2 })
    const octets = { headers: { 'content-type': 'text/plain' } }
    const post = (query: string) => client.post(`/v1/topics/${topic}/records?${query}`, 'v', octets)
    expect((await post('partition=1')).json).toMatchObject({ partition: 1, offset: 0 })
    expect((await post('partition=2')).json).toMatchObject({
      code: 'partition_not_found',
      outcome: 'not_written',
    })
    for (const query of [
      'partition=-1',
      'partition=1.0',
      'partition=2147483648',
      'partition=',
      'partition=0&partition=1',
      'x=1',
    ]) {
      const answer = await post(query)
      expect([query, answer.status]).toEqual([query, 422])
      expect(answer.json).toMatchObject({ code: 'invalid_parameter', outcome: 'not_written' })
    }
    expect(await readAll(topic)).toHaveLength(1)
  })

  it('makes record headers of Kafka-Header-*, in their order and case, bytes untouched', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const connection = new RawConnection(gateway).sendHead(
      `POST /v1/topics/${topic}/records HTTP/1.1`,
      'Content-Type: text/plain',
      'Content-Length: 1',
      'Kafka-Header-TraceId: AbC',
      'kafka-header-bytes: caf\xe9',
      'KAFKA-HEADER-TraceId: second',
      'Kafka-Header-: no name',
      'X-Other: not one',
    )
    expect((await connection.send('v').answer()).status).toBe(200)
    const [record] = await readAll(topic)
    expect(Object.entries(record!.headers!)).toEqual([
      ['TraceId', [Buffer.from('AbC'), Buffer.from('second')]],
      ['bytes', Buffer.from('caf\xe9', 'latin1')],
      ['content-type', Buffer.from('text/plain')],
    ])
  })

  it.each(['application/json', 'application/x-ndjson'])(
    'refuses Kafka-Header-* beside %s, which would lose them',
    async (type) => {
      const client = http(await startTestGateway())
      const topic = await makeTopic({ partitions: 1 })
      const headers = { 'content-type': type, 'Kafka-Header-Trace': 't' }
      const answer = await client.post(`/v1/topics/${topic}/records`, '{"value":1}', { headers })
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({
        code: 'invalid_headers',
        outcome: 'not_written',
        errors: [{ parameter: 'kafka-header-trace' }],
      })
      expect(await readAll(topic)).toEqual([])
    },
  )

  it('keeps a Kafka-Header-Content-Type instead of its own', async () => {
    const headers = { 'content-type': 'application/octet-stream', 'kafka-header-content-type': 'image/png' }
    expect((await roundTrip('', 'v', headers)).headers).toEqual({ 'content-type': Buffer.from('image/png') })
  })
})
