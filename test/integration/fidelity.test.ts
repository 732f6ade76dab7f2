import { request } from 'node:http'
import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { expect, it, onTestFinished } from 'vitest'
import type { Gateway } from '../../src/gateway.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http, type HttpClient } from '../support/http.ts'
import {
  asBase64,
  type Content,
  type Invented,
  inventedRecord,
  PARTITIONS,
  recordJson,
} from '../support/invented-records.ts'
import { makeTopic, uniqueName, witness } from '../support/kafka.ts'
import { TestProducer } from '../support/producer.ts'
import { rawElements, rawMembers } from '../support/raw-json.ts'
import {
  byName,
  dataOf,
  hex,
  type Plain,
  plainOfJson,
  plainOfMessage,
  withNamesAsText,
} from '../support/read-back.ts'
import { until } from '../support/until.ts'
import { connect, type WsClient } from '../support/ws.ts'

const RUNS = Number(process.env.TEST_FIDELITY_RUNS ?? 20)
const SEED = process.env.TEST_FIDELITY_SEED
const formats = ['auto', 'json', 'text', 'base64', 'cloudevents'] as const

interface Position {
  readonly partition: number
  readonly offset: number
  readonly timestamp?: number
}

/** What a way of writing makes of an invented record: what must be in Kafka, and where the answer says it is. */
interface Written {
  readonly expected: Plain
  readonly partition: number | undefined
  readonly position: Position
}

/** A way in: writes the records, as far as it can say them. */
type Way = (records: readonly Invented[]) => Promise<Written[]>

function expectedOf({ key, value, headers, timestamp }: Invented): Plain {
  return {
    key: hex(key?.bytes),
    value: hex(value.bytes),
    headers: headers.map(([name, { bytes }]) => [hex(Buffer.from(name as string))!, hex(bytes)]),
    timestamp,
  }
}

function writtenOf(records: readonly Invented[], positions: readonly Position[]): Written[] {
  expect(positions).toHaveLength(records.length)
  return records.map((record, i) => ({
    expected: expectedOf(record),
    partition: record.partition,
    position: positions[i]!,
  }))
}

const json = { headers: { 'content-type': 'application/json' } }

function single(client: HttpClient, path: string): Way {
  return async (records) => {
    const positions: Position[] = []
    for (const record of records) {
      const answer = await client.post(path, recordJson(record), json)
      expect([answer.status, answer.text]).toEqual([200, expect.any(String)])
      positions.push(answer.json as Position)
    }
    return writtenOf(records, positions)
  }
}

function batch(client: HttpClient, path: string): Way {
  return async (records) => {
    const answer = await client.post(path, `{"records": [${records.map(recordJson).join(' ,')}]}`, json)
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)])
    return writtenOf(records, (answer.json as { results: Position[] }).results)
  }
}

function lines(client: HttpClient, path: string): Way {
  return async (invented) => {
    // A line feed ends the line, so JSON that has some is sent as base64.
    const flat = (content: Content) => (content.json.includes('\n') ? asBase64(content.bytes!) : content)
    const records = invented.map((record) => ({
      ...record,
      key: record.key && flat(record.key),
      value: flat(record.value),
      space: record.space.replaceAll('\n', ''),
    }))
    const body = records.map((record) => `${recordJson(record)}\n`).join('')
    const answer = await client.post(path, body, { headers: { 'content-type': 'application/x-ndjson' } })
    const answers = answer.text.split('\n').slice(0, -1)
    return writtenOf(
      records,
      answers.slice(0, -1).map((line) => JSON.parse(line) as Position),
    )
  }
}

function put(client: HttpClient, topic: string): Way {
  let opened: Promise<TestProducer> | undefined
  let sequence = 0
  return async (invented) => {
    const producer = await (opened ??= TestProducer.open(client, topic, 1))
    // Of another partition it is refused, and with the time of another day: Kafka remembers the producer by it.
    const isOld = (timestamp = Date.now()) => timestamp < Date.now() - 3_600_000
    const records = invented.map((record) => ({
      ...record,
      partition: undefined,
      timestamp: isOld(record.timestamp) ? undefined : record.timestamp,
    }))
    const body = `{"records": [${records.map(recordJson).join(',')}]}`
    const answer = await client.put(producer.path(sequence), body, json)
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
    const { offset } = answer.json as Position
    sequence += records.length
    return writtenOf(
      records.map((record) => ({ ...record, partition: 1 })),
      records.map((_, i) => ({ partition: 1, offset: offset + i })),
    )
  }
}

function overSocket(socket: WsClient, topic: string): Way {
  let id = 0
  return async (records) => {
    const mine = ++id
    const list = records.map(recordJson).join(',')
    socket.send(`{"type":"produce","id":${mine},"topic":"${topic}","records":[${list}]}`)
    const { results } = await socket.frame('produced', { where: (frame) => frame.id === mine })
    return writtenOf(records, results as Position[])
  }
}

const OCTETS = 'application/octet-stream'

/** A body can be any bytes, but a key is text in the query, and HTTP has its own idea of headers. */
function rawBody(gateway: Gateway, path: string): Way {
  return async (invented) => {
    const written: Written[] = []
    for (const { key, value, headers, partition } of invented) {
      const body = value.bytes ?? Buffer.alloc(0)
      const keyText = key?.kind === 'text' || key?.kind === 'json' ? String(key.bytes) : undefined
      const sent = headers

        .filter(
          ([name, { bytes }]) =>
            bytes !== null &&
            typeof name === 'string' &&
            /^[\w!#$%&'*+.^`|~-]+$/.test(name) &&
            isField(bytes),
        )
        .map(([name, { bytes }]) => [name as string, bytes!] as const)
      const query = new URLSearchParams({
        ...(keyText === undefined ? {} : { key: keyText }),
        ...(partition === undefined ? {} : { partition: String(partition) }),
      })
      const fields = sent.flatMap(([name, bytes]) => [`Kafka-Header-${name}`, bytes.toString('latin1')])
      const position = await postBytes(`${gateway.url}${path}?${query}`, fields, body)
      const hasType = sent.some(([name]) => name === 'content-type')
      const all = hasType ? sent : [...sent, ['content-type', Buffer.from(OCTETS)] as const]
      written.push({
        expected: {
          key: keyText === undefined ? null : hex(Buffer.from(keyText)),
          value: hex(body),
          headers: all.map(([name, bytes]) => [hex(Buffer.from(name))!, hex(bytes)]),
          timestamp: undefined,
        },
        partition,
        position,
      })
    }
    return written
  }
}

/** Bytes that a header's value keeps: no controls, and no space at its ends. */
function isField(bytes: Buffer): boolean {
  return /^(?:[\x21-\x7e\x80-\xff](?:[\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/.test(
    bytes.toString('latin1'),
  )
}

/** By node:http, which keeps the case and the order of header names, as fetch doesn't. */
function postBytes(url: string, fields: string[], body: Buffer): Promise<Position> {
  const headers = [
    ...fields,
    'host',
    'localhost',
    'content-type',
    OCTETS,
    'content-length',
    String(body.length),
  ]
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text) as Position)
        else reject(new Error(`${answer.statusCode} ${text}`))
      })
    })
    sent.once('error', reject)
    sent.end(body)
  })
}

/** An attribute's text, where the bytes can be one. */
function attributeOf(content: Content | undefined): string | undefined {
  const text =
    content === undefined || content.kind === 'bytes' || content.bytes === null ? '' : String(content.bytes)
  return text === '' || /[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text) ? undefined : text
}

/** The invented record as an event: its key is the partitionkey, its first header the subject, its value the data. */
function eventOf({ key, value, headers }: Invented, binary: boolean) {
  const partitionkey = attributeOf(key)
  const subject = attributeOf(headers[0]?.[1])
  const attributes = {
    specversion: '1.0',
    id: 'ä 1',
    source: '/fidelity',
    type: 'sluice.test',
    ...(partitionkey === undefined ? {} : { partitionkey }),
    ...(subject === undefined ? {} : { subject }),
  }
  const types = {
    json: 'application/json',
    text: 'text/plain',
    bytes: binary ? OCTETS : undefined,
    null: undefined,
  }
  const type = types[value.kind]
  const expected: Plain = {
    key: partitionkey === undefined ? null : hex(Buffer.from(partitionkey)),
    value: hex(value.bytes),
    headers: [
      ...Object.entries(attributes).map(([name, text]) => [`ce_${name}`, text] as const),
      ...(type === undefined ? [] : [['content-type', type] as const]),
    ].map(([name, text]) => [hex(Buffer.from(name))!, hex(Buffer.from(text))]),
    timestamp: undefined,
  }
  return { attributes, type, expected }
}

function eventJson(record: Invented): string {
  const { attributes } = eventOf(record, false)
  const { kind, json: data } = record.value
  const members = {
    json: `,"data":${data}`,
    text: `,"datacontenttype":"text/plain","data":${data}`,
    bytes: `,"data_base64":${data}`,
    null: '',
  }
  return `${JSON.stringify(attributes).slice(0, -1)}${members[kind]}${record.space}}`
}

function events(client: HttpClient, path: string, mode: 'structured' | 'batch' | 'binary'): Way {
  const post = async (type: string | undefined, body: string | Buffer | null, headers = {}) => {
    const all = { ...headers, ...(type && { 'content-type': type }) }
    const answer = await client.post(path, body ?? undefined, { headers: all })
    expect([answer.status, answer.text]).toEqual([200, expect.any(String)])
    return answer.json
  }
  return async (records) => {
    const positions: Position[] = []
    if (mode === 'batch') {
      const body = `[${records.map(eventJson).join(',')}]`
      positions.push(
        ...((await post('application/cloudevents-batch+json', body)) as { results: Position[] }).results,
      )
    }
    for (const record of records) {
      if (mode === 'batch') continue
      if (mode === 'structured') {
        positions.push((await post('application/cloudevents+json', eventJson(record))) as Position)
        continue
      }
      const { attributes, type } = eventOf(record, true)
      const headers = Object.entries(attributes).map(([name, text]) => [
        `ce-${name}`,
        encodeURIComponent(text),
      ])
      positions.push((await post(type, record.value.bytes, Object.fromEntries(headers))) as Position)
    }
    return records.map((record, i) => ({
      expected: eventOf(record, mode === 'binary').expected,
      partition: undefined,
      position: positions[i]!,
    }))
  }
}

const placeOf = ({ partition, offset }: Position) => `${partition}:${offset}`

/** Every record that kafkajs reads, from the start on. */
async function witnessed(topic: string): Promise<Map<string, KafkaMessage>> {
  const consumer = witness().consumer({ groupId: uniqueName('witness'), maxWaitTimeInMs: 50 })
  await consumer.connect()
  onTestFinished(() => consumer.disconnect())
  const messages = new Map<string, KafkaMessage>()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ partition, message }) => {
      messages.set(`${partition}:${message.offset}`, message)
      return Promise.resolve()
    },
  })
  return messages
}

/** The JSON text of every record that a subscription is sent. */
function pushed(gateway: Gateway, query: Record<string, string>): Map<string, string> {
  const records = new Map<string, string>()
  connect(gateway, { from: 'earliest', ...query }).socket.on('message', (data: Buffer) => {
    const members = rawMembers(data.toString())
    for (const record of rawElements(members.get('records') ?? '[]')) {
      const { partition, offset } = JSON.parse(record) as Position
      records.set(placeOf({ partition, offset }), record)
    }
  })
  return records
}

/** What was written, with the time Kafka has where the writer gave none. */
function stamped({ expected, position }: Written, read: Plain): Plain {
  return { ...expected, timestamp: expected.timestamp ?? position.timestamp ?? read.timestamp }
}

it(
  'any record, written in any form, is read back byte for byte by any transport, and by kafkajs',
  { timeout: 60_000 + RUNS * 2_000 },
  async () => {
    const gateway = await startTestGateway()
    const client = http(gateway)
    const topic = await makeTopic({ partitions: PARTITIONS, configs: { 'retention.ms': '-1' } })
    const path = `/v1/topics/${topic}/records`
    const ways: Record<string, Way> = {
      single: single(client, path),
      batch: batch(client, path),
      lines: lines(client, path),
      put: put(client, topic),
      socket: overSocket(connect(gateway), topic),
      raw: rawBody(gateway, path),
      structured: events(client, path, 'structured'),
      events: events(client, path, 'batch'),
      binary: events(client, path, 'binary'),
    }
    const messages = await witnessed(topic)
    const plain = pushed(gateway, { topics: topic })
    const group = pushed(gateway, { topics: topic, group: uniqueName('fidelity'), format: 'base64' })
    const asEvents = pushed(gateway, { topics: topic, format: 'cloudevents' })

    const readByAddress = async (way: string, written: Written) => {
      const { partition, offset } = written.position
      const address = `/v1/topics/${topic}/partitions/${partition}/records/${offset}`
      const record = await client.get(address)
      const read = plainOfJson(record.text, 'auto')
      expect(read, `${way}, one record`).toEqual(stamped(written, read))
      const bare = await client.get(address, { headers: { accept: OCTETS } })
      expect(bare.status === 204 ? null : hex(bare.bytes), `${way}, its bytes`).toBe(written.expected.value)
      const event = await client.get(address, { headers: { accept: 'application/cloudevents+json' } })
      expect(hex(dataOf(event.text)), `${way}, its event`).toBe(written.expected.value)
    }

    const property = fc.asyncProperty(
      fc.array(inventedRecord, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...formats),
      async (records, format) => {
        const all: (Written & { way: string })[] = []
        for (const [way, write] of Object.entries(ways)) {
          for (const written of await write(records)) {
            if (written.partition !== undefined) expect(written.position.partition).toBe(written.partition)
            all.push({ ...written, way })
          }
        }
        const pages = new Map<string, string>()
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const offsets = all.map(({ position }) => position).filter((each) => each.partition === partition)
          if (offsets.length === 0) continue
          const from = Math.min(...offsets.map(({ offset }) => offset))
          const page = await client.get(
            `${path}?partition=${partition}&from=${from}&limit=1000&format=${format}`,
          )
          for (const record of rawElements(rawMembers(page.text).get('records')!)) {
            pages.set(placeOf(JSON.parse(record) as Position), record)
          }
        }
        for (const { way, ...written } of all) {
          const place = placeOf(written.position)
          await until(() => [messages, plain, group, asEvents].every((read) => read.has(place)))
          await readByAddress(way, written)
          const ofMessage = plainOfMessage(messages.get(place)!)
          const asText = withNamesAsText(stamped(written, ofMessage))
          expect(byName(ofMessage), `${way}, kafkajs`).toEqual(byName(asText))
          const readings = [
            [pages, format],
            [plain, 'auto'],
            [group, 'base64'],
            [asEvents, 'cloudevents'],
          ] as const
          for (const [n, [texts, as]] of readings.entries()) {
            const read = plainOfJson(texts.get(place)!, as)
            expect(read, `${way}, ${['a page', 'socket', 'group', 'events'][n]} as ${as}`).toEqual(
              stamped(written, read),
            )
          }
        }
      },
    )
    // A failure prints its seed, which TEST_FIDELITY_SEED takes; TEST_FIDELITY_RUNS=1000 looks further.
    await fc.assert(property, { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
  },
)
