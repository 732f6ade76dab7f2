import { Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer } from '../../support/http.ts'
import { makeTopic, witness } from '../../support/kafka.ts'
import { readAll, type WitnessedRecord } from '../../support/read-all.ts'

const json = { headers: { 'content-type': 'application/json' } }
const text = (bytes: Buffer | null | undefined) => (bytes ? bytes.toString() : bytes)
const place = ({ partition, offset }: WitnessedRecord) => ({ partition, offset: Number(offset) })

interface Position {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
}
const position = (answer: HttpAnswer) => answer.json as Position
const positions = (answer: HttpAnswer) => (answer.json as { results: Position[] }).results

/** A topic of so many partitions, and how to post to it. */
async function topicOf(partitions: number, configs?: Record<string, string>) {
  const client = http(await startTestGateway())
  const topic = await makeTopic({ partitions, ...(configs && { configs }) })
  const post = (body: unknown) => client.post(`/v1/topics/${topic}/records`, body, json)
  return { client, topic, post }
}

describe('POST /v1/topics/{topic}/records', () => {
  it('answers one record with the place where it is', async () => {
    const { topic, post } = await topicOf(3)
    const before = Date.now()
    const answer = await post({ key: 'order-17', value: { total: 12.5 }, headers: { source: 'web' } })
    expect(answer.status).toBe(200)
    const [record, ...others] = await readAll(topic)
    expect(others).toEqual([])
    expect(position(answer)).toEqual({ ...place(record!), timestamp: Number(record!.timestamp) })
    expect(position(answer).timestamp).toBeGreaterThanOrEqual(before)
    expect(position(answer).timestamp).toBeLessThanOrEqual(Date.now())
    expect([text(record!.key), text(record!.value)]).toEqual(['order-17', '{"total":12.5}'])
    expect(record!.headers).toEqual({ source: Buffer.from('web') })
  })

  it('answers a batch with each place, in the order sent', async () => {
    const { topic, post } = await topicOf(3)
    const records = Array.from({ length: 300 }, (_, i) => ({ key: `k${i % 7}`, value: `v${i}` }))
    const answer = await post({ records })
    expect(answer.status).toBe(200)
    const values = new Map((await readAll(topic)).map((r) => [`${r.partition}:${r.offset}`, text(r.value)]))
    expect(positions(answer).map((p) => values.get(`${p.partition}:${p.offset}`))).toEqual(
      records.map(({ value }) => value),
    )
    for (const key of new Set(records.map((r) => r.key))) {
      const offsets = positions(answer)
        .filter((_, i) => records[i]!.key === key)
        .map((p) => p.offset)
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    }
  })

  it("puts every key into the partition that Java's and kafkajs's producers put it into", async () => {
    const { topic, post } = await topicOf(7)
    const keys = Array.from({ length: 200 }, (_, i) => `${['', 'ключ', '💥', 'user-'][i % 4]}${i}`).concat('')
    const producer = witness().producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) })
    await producer.disconnect()
    expect((await post({ records: keys.map((key) => ({ key, value: 'ours' })) })).status).toBe(200)
    const partitions = new Map<string, Set<number>>()
    for (const { key, partition } of await readAll(topic)) {
      const name = String(text(key))
      partitions.set(name, (partitions.get(name) ?? new Set()).add(partition))
    }
    expect(partitions.size).toBe(new Set(keys).size)
    for (const [key, where] of partitions) expect([key, where.size]).toEqual([key, 1])
  })

  it('spreads records without a key over all partitions', async () => {
    const { post } = await topicOf(4)
    const seen = new Set<number>()
    for (let i = 0; i < 200 && seen.size < 4; i++) seen.add(position(await post({ value: i })).partition)
    expect(seen.size).toBe(4)
  })

  it('keeps null, empty and missing apart, in keys, values and headers', async () => {
    const { topic, post } = await topicOf(1)
    const headers = { none: null, empty: '' }
    const records = [
      { value: null },
      { value: '' },
      { key: null, value: 'a' },
      { key: '', value: 'b', headers },
    ]
    expect((await post({ records })).status).toBe(200)
    const read = await readAll(topic)
    expect(read.map(({ key, value }) => [text(key), text(value)])).toEqual([
      [null, null],
      [null, ''],
      [null, 'a'],
      ['', 'b'],
    ])
    expect(read[3]!.headers).toEqual({ none: null, empty: Buffer.alloc(0) })
    expect(read[0]!.headers).toEqual({})
  })

  it('writes headers of both forms: texts by name, or a list with duplicates, order, null and bytes', async () => {
    const { topic, post } = await topicOf(1)
    const list = [
      { name: 'b', value: '1' },
      { name: 'a', value: null },
      { name: 'b', value: '//4=', encoding: 'base64' },
      { name: 'Ünïcode-Näme', value: 'é' },
      { name: 'b', value: '' },
    ]
    expect(
      (
        await post({
          records: [
            { value: 1, headers: list },
            { value: 2, headers: { z: '1', a: null } },
          ],
        })
      ).status,
    ).toBe(200)
    const [first, second] = await readAll(topic)
    expect(Object.entries(first!.headers!)).toEqual([
      ['b', [Buffer.from('1'), Buffer.from([0xff, 0xfe]), Buffer.alloc(0)]],
      ['a', null],
      ['Ünïcode-Näme', Buffer.from('é')],
    ])
    expect(Object.entries(second!.headers!)).toEqual([
      ['z', Buffer.from('1')],
      ['a', null],
    ])
  })

  it('writes to the partition and with the timestamp that a record names', async () => {
    const { topic, post } = await topicOf(3)
    const records = [
      { value: 'a', partition: 2, timestamp: 1_600_000_000_123 },
      { key: 'k', value: 'b', partition: 0, timestamp: 0 },
      { value: 'c', partition: 2, timestamp: 1 },
    ]
    const answer = await post({ records })
    expect(positions(answer)).toEqual([
      { partition: 2, offset: 0, timestamp: 1_600_000_000_123 },
      { partition: 0, offset: 0, timestamp: 0 },
      { partition: 2, offset: 1, timestamp: 1 },
    ])
    const read = (await readAll(topic)).map((r) => [text(r.value), r.partition, r.timestamp])
    expect(read.toSorted()).toEqual([
      ['a', 2, '1600000000123'],
      ['b', 0, '0'],
      ['c', 2, '1'],
    ])
  })

  it("says the broker's time where the topic keeps that instead", async () => {
    const { topic, post } = await topicOf(1, { 'message.timestamp.type': 'LogAppendTime' })
    const answer = await post({ value: 'a', timestamp: 1_600_000_000_123 })
    const [record] = await readAll(topic)
    expect(position(answer).timestamp).toBe(Number(record!.timestamp))
    expect(position(answer).timestamp).toBeGreaterThan(1_600_000_000_123)
  })

  it('takes timestamps from the year 0 of the epoch to the end of what a number holds', async () => {
    const { topic, post } = await topicOf(1, { 'message.timestamp.after.max.ms': '9223372036854775807' })
    const timestamps = [Number.MAX_SAFE_INTEGER, 0, 4_503_599_627_370_497, 1]
    expect((await post({ records: timestamps.map((timestamp) => ({ value: 1, timestamp })) })).status).toBe(
      200,
    )
    expect((await readAll(topic)).map((r) => Number(r.timestamp))).toEqual(timestamps)
  })

  it('writes a batch of 10,000 records once each, and in order', async () => {
    const { topic, post } = await topicOf(1)
    const records = Array.from({ length: 10_000 }, (_, i) => ({ value: `v${i}` }))
    const answer = await post({ records })
    expect(positions(answer).map((p) => p.offset)).toEqual(records.map((_, i) => i))
    expect((await readAll(topic)).map((r) => text(r.value))).toEqual(records.map((r) => r.value))
  })

  it('keeps what many clients send at once apart: every record once, where its own answer says', async () => {
    const { topic, post } = await topicOf(3)
    const sent = await Promise.all(
      Array.from({ length: 500 }, async (_, i) => {
        const body = i % 3 === 0 ? { records: [{ value: `${i}` }, { value: `${i}b` }] } : { value: `${i}` }
        const answer = await post(body)
        return i % 3 === 0
          ? positions(answer).map((p, n) => [n === 0 ? `${i}` : `${i}b`, p] as const)
          : [[`${i}`, position(answer)] as const]
      }),
    )
    const told = new Map(sent.flat().map(([value, p]) => [`${p.partition}:${p.offset}`, value]))
    const found = new Map((await readAll(topic)).map((r) => [`${r.partition}:${r.offset}`, text(r.value)]))
    expect(found).toEqual(told)
  })
})
