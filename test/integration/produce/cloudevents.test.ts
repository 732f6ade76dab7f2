import { CloudEvent, emitterFor, HTTP, Mode } from 'cloudevents'
import { describe, expect, it } from 'vitest'
import { eventOfRecord, plain } from '../../support/cloudevents.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { TestProducer } from '../../support/producer.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll, type WitnessedRecord } from '../../support/read-all.ts'

const EVENT = { 'content-type': 'application/cloudevents+json' }
const BATCH = { 'content-type': 'application/cloudevents-batch+json' }
const required = { specversion: '1.0', id: 'a-1', source: '/shop/17', type: 'com.example.order' }
const requiredHeaders = {
  'ce-specversion': '1.0',
  'ce-id': 'a-1',
  'ce-source': '/shop/17',
  'ce-type': 'com.example.order',
}

async function gatewayWithTopic(options: { partitions?: number } = {}) {
  const client = http(await startTestGateway())
  const topic = await makeTopic(options)
  const post = (body: string | Buffer | undefined, headers: Record<string, string>, query = '') =>
    client.post(`/v1/topics/${topic}/records${query}`, body, { headers })
  return { client, topic, post }
}

/** The JSON of an event with these members, as they are written. */
function eventText(members: string): string {
  return `${JSON.stringify(required).slice(0, -1)}${members === '' ? '' : ','}${members}}`
}

/** Sends a structured event with each of these further members, and gives back their records. */
async function recordsOf(members: readonly string[]): Promise<WitnessedRecord[]> {
  const { topic, post } = await gatewayWithTopic()
  for (const [offset, more] of members.entries()) {
    const answer = await post(eventText(more), EVENT)
    expect([answer.status, answer.json]).toEqual([200, expect.objectContaining({ partition: 0, offset })])
  }
  return readAll(topic)
}

function headersOf({ headers }: WitnessedRecord): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name, String(value as Buffer)]),
  )
}

/** A refusal's code and what it names, in order. */
function named({ status, json }: HttpAnswer): unknown[] {
  const { code, outcome, errors } = json as {
    code: string
    outcome: string
    errors: { pointer?: string; parameter?: string }[]
  }
  return [status, code, outcome, ...errors.map(({ pointer, parameter }) => parameter ?? pointer)]
}

describe('an event', () => {
  it('is the same record in each mode, and the one that the SDK reads as that event', async () => {
    const { topic, post } = await gatewayWithTopic()
    const event = new CloudEvent({
      ...required,
      time: '2026-01-31T09:30:00.000Z',
      subject: 'order-17',
      datacontenttype: 'application/json',
      partitionkey: 'order-17',
      data: { total: 12.5, lines: ['ä', 1] },
    })
    const structured = HTTP.structured(event)
    const binary = HTTP.binary(event)
    await post(structured.body as string, structured.headers as Record<string, string>)
    await post(binary.body as string, binary.headers as Record<string, string>)
    const batch = await post(`[${structured.body as string}]`, BATCH)
    expect(batch.json).toMatchObject({ results: [{ partition: 0, offset: 2 }] })
    const records = await readAll(topic)
    expect(records).toHaveLength(3)
    for (const record of records) {
      expect(plain(eventOfRecord(record))).toEqual(plain(event))
      expect(headersOf(record)).toEqual({
        ce_specversion: '1.0',
        ce_id: 'a-1',
        ce_source: '/shop/17',
        ce_type: 'com.example.order',
        ce_time: '2026-01-31T09:30:00.000Z',
        ce_subject: 'order-17',
        ce_partitionkey: 'order-17',
        'content-type': 'application/json',
      })
      expect([String(record.key), String(record.value)]).toEqual([
        'order-17',
        '{"total":12.5,"lines":["ä",1]}',
      ])
      // Not the event's own time: retention counts from when the record was written.
      expect(Date.now() - Number(record.timestamp)).toBeLessThan(600_000)
    }
  })

  it.each([Mode.BINARY, Mode.STRUCTURED])(
    "that the SDK's emitter sends in mode %s is written, bytes too",
    async (mode) => {
      const { topic, post } = await gatewayWithTopic()
      const emit = emitterFor(
        async ({ headers, body }) =>
          post(body as string | Buffer, JSON.parse(JSON.stringify(headers)) as Record<string, string>),
        { mode },
      )
      const bytes = new Uint8Array([0, 255, 1])
      const event = new CloudEvent({
        ...required,
        datacontenttype: 'application/octet-stream',
        data: bytes,
        quality: 7,
        checked: true,
      })
      await emit(event)
      const [record] = await readAll(topic)
      expect(record!.value).toEqual(Buffer.from(bytes))
      expect(headersOf(record!)).toMatchObject({
        ce_quality: '7',
        ce_checked: 'true',
        'content-type': 'application/octet-stream',
      })
    },
  )

  it('keeps JSON data byte for byte', async () => {
    const sources = [
      '1e400',
      '12345678901234567890',
      '-0',
      '1.0',
      '{ "b" : 1,\t"a":[ 1 , 2 ] ,"b":2 }',
      '{"\\u0061":"\\/\\u00e9","x":"\\ud800"}',
      '"text with \\u00e9"',
      'null',
      'true',
    ]
    const records = await recordsOf(sources.map((source) => `"data" : ${source} ,"subject":"s"`))
    expect(records.map(({ value }) => String(value))).toEqual(sources)
    for (const record of records) expect(headersOf(record)['content-type']).toBe('application/json')
  })

  it('is taken by the rules of the JSON format', async () => {
    const cases: [rule: string, members: string, value: Buffer | null, type?: string][] = [
      ['no data is a record without a value', '"subject":"s"', null],
      ['data_base64 is bytes', '"data_base64":"AP\\/+"', Buffer.from([0, 0xff, 0xfe])],
      [
        'data_base64 is the bytes of JSON, too',
        '"data_base64":"eyAieHl6IjogMTIzIH0=","datacontenttype":"application/json"',
        Buffer.from('{ "xyz": 123 }'),
        'application/json',
      ],
      [
        'text of a type that is not JSON is text',
        '"data":"<much wow=\\"xml\\"/>\\u00e9","datacontenttype":"application/xml"',
        Buffer.from('<much wow="xml"/>é'),
        'application/xml',
      ],
      [
        'text of a type that is JSON stays a JSON string',
        '"datacontenttype":"application/vnd.x+json; charset=utf-8","data":"[1]"',
        Buffer.from('"[1]"'),
        'application/vnd.x+json; charset=utf-8',
      ],
      ['null is unset', '"subject":null,"data_base64":null,"data":1', Buffer.from('1'), 'application/json'],
    ]
    const records = await recordsOf(cases.map(([, members]) => members))
    for (const [n, [rule, , value, type]] of cases.entries()) {
      expect(records[n]!.value, rule).toEqual(value)
      expect(headersOf(records[n]!)['content-type'], rule).toBe(type)
      expect(records[n]!.key).toBe(null)
    }
  })

  it('with headers is percent-decoded once, and unquoted where it is quoted', async () => {
    const { topic, post } = await gatewayWithTopic()
    const answer = await post('plain', {
      ...requiredHeaders,
      'ce-id': 'Euro%20%E2%82%AC%20%f0%9f%98%80',
      'ce-subject': '"an old \\"quote\\" \\\\ %2520"',
      'CE-Upper': 'x',
      'content-type': 'text/plain',
    })
    expect(answer.status).toBe(200)
    const [record] = await readAll(topic)
    expect(headersOf(record!)).toMatchObject({
      ce_id: 'Euro € 😀',
      ce_subject: 'an old "quote" \\ %20',
      ce_upper: 'x',
      'content-type': 'text/plain',
    })
    expect(String(record!.value)).toBe('plain')
  })

  it('with headers and no body has no data, unless its type has a meaning for nothing', async () => {
    const { topic, post } = await gatewayWithTopic()
    for (const type of [undefined, 'application/json', 'text/plain']) {
      const answer = await post(undefined, { ...requiredHeaders, ...(type && { 'content-type': type }) })
      expect(answer.status).toBe(200)
    }
    expect((await readAll(topic)).map(({ value }) => value)).toEqual([null, null, Buffer.alloc(0)])
  })

  it('may hold lines of JSON, which are its data and no stream of records', async () => {
    const { topic, post } = await gatewayWithTopic()
    const answer = await post('{"a":1}\n{"a":2}\n', {
      ...requiredHeaders,
      'content-type': 'application/x-ndjson',
    })
    expect(answer.json).toMatchObject({ partition: 0, offset: 0 })
    expect((await readAll(topic)).map(({ value }) => String(value))).toEqual(['{"a":1}\n{"a":2}\n'])
  })

  it('is written once by an exactly-once producer, however often it is sent', async () => {
    const { client, topic } = await gatewayWithTopic()
    const producer = await TestProducer.open(client, topic)
    const statuses: number[] = []
    for (let n = 0; n < 2; n++) {
      const answer = await client.put(producer.path(0), `[${eventText('')},${eventText('"data":1')}]`, {
        headers: BATCH,
      })
      statuses.push(answer.status)
    }
    expect(statuses).toEqual([201, 200])
    expect((await readAll(topic)).map((record) => headersOf(record).ce_id)).toEqual(['a-1', 'a-1'])
  })

  it('takes a key and a partition that the caller gives before its own partitionkey, and more record headers', async () => {
    const { topic, post } = await gatewayWithTopic({ partitions: 3 })
    const event = eventText('"partitionkey":"own","data":1')
    const query = '?key=given&partition=2'
    expect((await post(event, { ...EVENT, 'Kafka-Header-Trace': 't' }, query)).status).toBe(200)
    const binary = { ...requiredHeaders, 'ce-partitionkey': 'own', 'Kafka-Header-Trace': 't' }
    expect((await post('1', { ...binary, 'content-type': 'application/json' }, query)).status).toBe(200)
    const records = await readAll(topic)
    expect(records).toHaveLength(2)
    for (const record of records) {
      expect([record.partition, String(record.key)]).toEqual([2, 'given'])
      expect(headersOf(record)).toMatchObject({ ce_partitionkey: 'own', Trace: 't' })
    }
  })
})

describe('a structured event that is asked to be a value', () => {
  it('stays as it was sent, in structured content mode', async () => {
    const { client, topic, post } = await gatewayWithTopic()
    const text = eventText('"data" : 1.0')
    expect((await post(text, EVENT, '?value=body')).status).toBe(200)
    const [record] = await readAll(topic)
    expect([String(record!.value), headersOf(record!)]).toEqual([text, EVENT])
    const path = `/v1/topics/${topic}/partitions/0/records/0`
    expect((await client.get(path, { headers: { accept: EVENT['content-type'] } })).text).toBe(text)
  })
})

describe('what is no event', () => {
  it('is refused, each attribute at fault named', async () => {
    const cases: [body: string, pointers: string[]][] = [
      ['{}', ['/specversion', '/id', '/source', '/type']],
      ['[]', ['']],
      [JSON.stringify({ ...required, specversion: '0.3' }), ['/specversion']],
      [JSON.stringify({ ...required, id: '' }), ['/id']],
      [JSON.stringify({ ...required, id: 17, type: null }), ['/id', '/type']],
      [JSON.stringify({ ...required, source: 'not a uri' }), ['/source']],
      [JSON.stringify({ ...required, source: '' }), ['/source']],
      [JSON.stringify({ ...required, dataschema: '/relative' }), ['/dataschema']],
      [JSON.stringify({ ...required, time: '2026-02-30T00:00:00Z' }), ['/time']],
      [JSON.stringify({ ...required, time: '2026-02-03 00:00:00' }), ['/time']],
      [JSON.stringify({ ...required, datacontenttype: 'json' }), ['/datacontenttype']],
      [JSON.stringify({ ...required, subject: 'a\u0007' }), ['/subject']],
      [JSON.stringify({ ...required, partitionkey: 7 }), ['/partitionkey']],
      [JSON.stringify({ ...required, Upper: 'x', 'a/b': 'x', a_b: 1 }), ['/Upper', '/a~1b', '/a_b']],
      [
        JSON.stringify({ ...required, ext: { a: 1 }, list: [], half: 1.5, wide: 2 ** 31 }),
        ['/ext', '/list', '/half', '/wide'],
      ],
      [eventText('"ext":"\\ud800"'), ['/ext']],
      [eventText('"id":"again"'), ['/id']],
      [eventText('"data":1,"data_base64":"AA=="'), ['/data_base64']],
      [eventText('"data_base64":"AA="'), ['/data_base64']],
      [eventText('"data":{},"datacontenttype":"text/plain"'), ['/data']],
      [eventText('"data":"x","datacontenttype":"text/plain; charset=iso-8859-1"'), ['/data']],
    ]
    const { topic, post } = await gatewayWithTopic()
    for (const [body, pointers] of cases) {
      expect(named(await post(body, EVENT)), body).toEqual([422, 'invalid_event', 'not_written', ...pointers])
    }
    expect(await readAll(topic)).toEqual([])
  })

  it('is named by its index in a batch, every one, and nothing of the batch is written', async () => {
    const { topic, post } = await gatewayWithTopic()
    const bad = Array.from({ length: 30 }, () => ({ ...required, source: 'not a uri' }))
    const answer = await post(JSON.stringify([required, ...bad, required, 7, {}]), BATCH)
    expect(named(answer)).toEqual([
      ...[422, 'invalid_event', 'not_written'],
      ...bad.map((_, i) => `/${i + 1}/source`),
      ...['/32', '/33/specversion'],
    ])
    expect(named(await post('{}', BATCH))).toEqual([422, 'invalid_event', 'not_written', ''])
    expect((await post('[]', BATCH)).json).toMatchObject({ code: 'empty_batch', outcome: 'not_written' })
    expect((await post('[', BATCH)).json).toMatchObject({ code: 'malformed_json', outcome: 'not_written' })
    expect(await readAll(topic)).toEqual([])
  })

  it('with headers is refused by their names', async () => {
    const cases: [headers: Record<string, string>, parameters: string[]][] = [
      [{ 'ce-source': 'not%20a%20uri' }, ['ce-source']],
      [{ 'ce-subject': '%C0%A0' }, ['ce-subject']],
      [{ 'ce-subject': '50%' }, ['ce-subject']],
      [{ 'ce-subject': 'caf\u00e9' }, ['ce-subject']],
      [{ 'ce-a_b': '1', 'ce-data': '1' }, ['ce-a_b', 'ce-data']],
      [{ 'ce-datacontenttype': 'text/plain' }, ['ce-datacontenttype']],
      [{ 'ce-time': 'yesterday' }, ['ce-time']],
      [{ 'Kafka-Header-ce_id': 'other' }, ['kafka-header-ce_id']],
    ]
    const { topic, post } = await gatewayWithTopic()
    for (const [headers, parameters] of cases) {
      const answer = await post('1', { ...requiredHeaders, ...headers })
      expect(named(answer)).toEqual([422, 'invalid_event', 'not_written', ...parameters])
    }
    expect(await readAll(topic)).toEqual([])
  })

  it('lacks an attribute or has one twice, which a header that is repeated says', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const connection = new RawConnection(gateway)
    const lines = ['ce-id: 1', 'ce-id: 2', 'ce-specversion: 1.0', 'content-length: 1']
    connection.sendHead(`POST /v1/topics/${topic}/records HTTP/1.1`, ...lines).send('1')
    const { status, json } = await connection.answer()
    expect([status, json.code]).toEqual([422, 'invalid_event'])
    expect(json.errors).toMatchObject([
      { parameter: 'ce-id', reason: 'given twice' },
      { parameter: 'ce-source', reason: 'required' },
      { parameter: 'ce-type', reason: 'required' },
    ])
  })

  it('is 415 in an event format that is not served', async () => {
    const { topic, post } = await gatewayWithTopic()
    for (const type of [
      'application/cloudevents',
      'application/cloudevents+xml',
      'application/cloudevents-batch+avro',
      'application/cloudevents+json; charset=utf-16',
    ]) {
      const answer = await post(JSON.stringify(required), { ...requiredHeaders, 'content-type': type })
      expect([answer.status, type]).toEqual([415, type])
    }
    expect(await readAll(topic)).toEqual([])
  })
})
