import { CloudEvent, Kafka } from 'cloudevents'
import type { IHeaders, Message } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { eventsOfBody, plain } from '../../support/cloudevents.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { produce } from '../../support/produce.ts'
import { connect } from '../../support/ws.ts'

const EVENT = 'application/cloudevents+json'
const BATCH = 'application/cloudevents-batch+json'
const required = { specversion: '1.0', id: 'a-1', source: '/shop/17', type: 'com.example.order' }
const requiredHeaders = {
  ce_specversion: '1.0',
  ce_id: 'a-1',
  ce_source: '/shop/17',
  ce_type: 'com.example.order',
}

/** The JSON of each record as an event, as every read transport gives it; the raw text, so that no digit is lost. */
async function readEverywhere(messages: Message[]): Promise<{ topic: string; events: string[] }> {
  const gateway = await startTestGateway()
  const client = http(gateway)
  const topic = await makeTopic()
  await produce(topic, messages)
  const records = `/v1/topics/${topic}/records`
  const page = await client.get(`${records}?format=cloudevents`)
  const batch = await client.get(records, { headers: { accept: BATCH } })
  expect(batch.headers.get('content-type')).toBe(BATCH)
  const socket = connect(gateway, { topics: topic, from: 'earliest', format: 'cloudevents' })
  const pushed = await socket.received(messages.length)
  const events: string[] = []
  for (const offset of messages.keys()) {
    const path = `/v1/topics/${topic}/partitions/0/records/${offset}`
    const one = await client.get(path, { headers: { accept: EVENT } })
    expect(one.headers.get('content-type')).toBe(EVENT)
    const record = await client.get(`${path}?format=cloudevents`)
    expect(record.text).toContain(`"value":${one.text}`)
    expect(page.text).toContain(`"value":${one.text}`)
    expect(batch.text).toContain(one.text)
    expect(pushed[offset]!.value).toEqual(one.json)
    events.push(one.text)
  }
  expect(batch.json).toEqual(events.map((event) => JSON.parse(event) as unknown))
  return { topic, events }
}

/** A message that the SDK made, without the headers that it leaves undefined, which kafkajs doesn't take. */
function message({ key, value, headers }: { key: unknown; value: unknown; headers: unknown }): Message {
  return {
    key: key as string,
    value: value as string,
    headers: JSON.parse(JSON.stringify(headers)) as IHeaders,
    partition: 0,
  }
}

describe('an event in the topic', () => {
  it('comes out as the SDK put it in, in either content mode', async () => {
    const event = new CloudEvent({
      ...required,
      time: '2026-01-31T09:30:00.000Z',
      subject: 'ü',
      datacontenttype: 'application/json',
      partitionkey: 'order-17',
      data: { total: 12.5 },
    })
    const binary = Kafka.binary({ ...event, data: JSON.stringify(event.data) })
    const { events } = await readEverywhere([message(binary), message(Kafka.structured(event))])
    for (const text of events) {
      const [read] = eventsOfBody(EVENT, text)
      expect(plain(read!)).toEqual(plain(event))
    }
  })

  it.each([
    ['JSON, every digit', 'application/json', ' {"n": 1e400, "n":-0}', '"data": {"n": 1e400, "n":-0}}'],
    ['null, which is data', 'application/json; charset=utf-8', 'null', '"data":null}'],
    ['a text that is JSON', 'application/vnd.x+json', '"a"', '"data":"a"}'],
    ['what says JSON and is none', 'application/json', '{', '"data_base64":"ew=="}'],
    ['text', 'text/plain', 'a "quote"\n', '"data":"a \\"quote\\"\\n"}'],
    [
      'text of another charset',
      'text/plain; charset=iso-8859-1',
      Buffer.from([0xe9]),
      '"data_base64":"6Q=="}',
    ],
    ['what says text and is none', 'text/plain', Buffer.from([0xe9]), '"data_base64":"6Q=="}'],
    ['bytes, though they look like text', 'application/octet-stream', 'text', '"data_base64":"dGV4dA=="}'],
    ['of no type', undefined, '{}', '"data_base64":"e30="}'],
    ['nothing', 'application/json', null, '"datacontenttype":"application/json"}'],
    ['an empty text', 'text/plain', '', '"data":""}'],
  ])('has its data by its type: %s', async (_, type, value, expected) => {
    const headers: IHeaders = { ...requiredHeaders, ...(type && { 'content-type': type }) }
    const { events } = await readEverywhere([{ value: value as string, headers, partition: 0 }])
    expect(events[0]!.slice(-expected.length)).toBe(expected)
    const { datacontenttype } = JSON.parse(events[0]!) as { datacontenttype?: string }
    expect(datacontenttype).toBe(type)
  })

  it('in structured mode is given as it stands, spaces too', async () => {
    const value = ' {"type":"t", "source" : "s","id":"\\u0031","specversion":"1.0","n":7 ,"data":1.0}\n'
    const headers = { 'content-type': 'Application/CloudEvents+JSON; charset=UTF-8' }
    const { events } = await readEverywhere([{ value, headers, partition: 0 }])
    expect(events).toEqual([value])
  })
})

describe('a record that is no event', () => {
  it('comes as an event made of it, so that nothing is missing and nothing breaks', async () => {
    const structured = { 'content-type': EVENT }
    const messages: Message[] = [
      { key: 'k', value: '{"total": 1.0}' },
      { key: null, value: 'text' },
      { key: Buffer.from([0xff]), value: Buffer.from([0xff]) },
      { key: 'k', value: null },
      { value: '{"specversion":"1.0"}', headers: structured },
      { value: 'no JSON', headers: structured },
      { value: null, headers: structured },
      { value: '1', headers: { ...requiredHeaders, ce_id: '' } },
      { value: '1', headers: { ...requiredHeaders, ce_id: ['1', '2'] } },
      { value: '1', headers: { ...requiredHeaders, ce_x: Buffer.from([0xff]) } },
      { value: '{}', headers: { 'content-type': 'text/css' } },
    ].map((each) => ({ ...each, partition: 0, timestamp: '1769851800000' }))
    const { topic, events } = await readEverywhere(messages)
    const parsed = events.map((event) => JSON.parse(event) as Record<string, unknown>)
    for (const [offset, event] of parsed.entries()) {
      expect(event).toMatchObject({
        specversion: '1.0',
        id: String(offset),
        source: `/v1/topics/${topic}/partitions/0`,
        type: 'sluice.record',
        time: '2026-01-31T09:30:00.000Z',
      })
    }
    expect(events[0]).toContain('"data":{"total": 1.0}')
    expect(parsed.slice(0, 4)).toMatchObject([
      { partitionkey: 'k', datacontenttype: 'application/json' },
      { datacontenttype: 'text/plain', data: 'text' },
      { data_base64: '/w==' },
      { partitionkey: 'k' },
    ])
    expect(parsed[2]).not.toHaveProperty('partitionkey')
    expect(parsed[3]).not.toHaveProperty('data')
    expect(parsed.slice(4).map(({ datacontenttype }) => datacontenttype)).toEqual([
      ...[EVENT, EVENT, EVENT],
      ...Array<string>(3).fill('text/plain'),
      'text/css',
    ])
    const read = eventsOfBody(BATCH, `[${events.join(',')}]`)
    expect(read.map(({ type, id }) => [type, id])).toEqual(
      messages.map((_, offset) => ['sluice.record', String(offset)]),
    )
  })
})

describe('a batch of events', () => {
  it('is read on by the cursor in its header, to the end, and is empty where there is nothing', async () => {
    const client = http(await startTestGateway())
    const topic = await makeTopic()
    await produce(
      topic,
      ['1', '2', '3'].map((id) => ({ value: id, headers: { ...requiredHeaders, ce_id: id }, partition: 0 })),
    )
    const ids: string[] = []
    let query = '?limit=2'
    for (let page = 0; page < 3; page++) {
      const answer = await client.get(`/v1/topics/${topic}/records${query}`, { headers: { accept: BATCH } })
      ids.push(...(answer.json as { id: string }[]).map(({ id }) => id), '|')
      query = `?cursor=${answer.headers.get('kafka-cursor')}`
      expect(answer.headers.get('kafka-caught-up')).toBe(String(page > 0))
    }
    expect(ids).toEqual(['1', '2', '|', '3', '|', '|'])
  })
})
