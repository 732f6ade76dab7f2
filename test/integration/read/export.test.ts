import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { exportTopic, parseExport } from '../../support/ndjson.ts'
import { numbered, produce, transact } from '../../support/produce.ts'
import { RawConnection } from '../../support/raw-http.ts'
import { readAll } from '../../support/read-all.ts'
import { until } from '../../support/until.ts'

const offsetsOf = ({ records }: { records: { offset: number }[] }) => records.map(({ offset }) => offset)
const place = ({ partition, offset }: { partition: number; offset: number | string }) =>
  `${partition}:${offset}`

describe('GET /v1/topics/{topic}/records as NDJSON', () => {
  it('is the whole topic as it was when it began, each line a record and its cursor, and a last line', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(400, { partition, size: 1_000 })),
    )
    const { records, last } = await exportTopic(gateway, topic)
    expect(new Set(records.map(place))).toEqual(new Set((await readAll(topic)).map(place)))
    expect(records).toHaveLength(1_200)
    expect(last).toEqual({ caughtUp: true, cursor: records.at(-1)!.cursor })
    const { cursor: _, ...record } = records[700]!
    const shown = await http(gateway).get(
      `/v1/topics/${topic}/partitions/${record.partition}/records/${record.offset}`,
    )
    expect(record).toEqual(shown.json)
  })

  it('ends at once where there is nothing, and leaves the connection to the next request', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const { records, last } = await exportTopic(gateway, topic)
    expect(records).toEqual([])
    expect(last).toMatchObject({ caughtUp: true })
    const raw = new RawConnection(gateway)
    const export_ = `GET /v1/topics/${topic}/records HTTP/1.1`
    raw.sendHead(export_, 'Accept: application/x-ndjson').sendHead('GET /healthz HTTP/1.1')
    await until(() => /caughtUp":true[^]*HTTP\/1.1 200/.test(raw.text()))
  })

  it('resumes by the cursor of any line exactly after it, at another gateway', async () => {
    const [gateway, other] = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic({ partitions: 3 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(30, { partition })),
    )
    const all = await exportTopic(gateway, topic)
    for (const n of [0, 29, 30, 60, 88]) {
      const rest = await exportTopic(other, topic, { cursor: all.records[n]!.cursor })
      expect(new Set([...all.records.slice(0, n + 1), ...rest.records].map(place)).size).toBe(90)
      expect(rest.records).toHaveLength(89 - n)
    }
    expect((await exportTopic(other, topic, { cursor: all.last!.cursor as string })).records).toEqual([])
  })

  it('reads one partition alone, and goes on with that alone', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(3, { partition })),
    )
    const one = await exportTopic(gateway, topic, { partition: '1' })
    expect(one.records.map(place)).toEqual(['1:0', '1:1', '1:2'])
    const rest = await exportTopic(gateway, topic, { cursor: one.records[0]!.cursor })
    expect(rest.records.map(place)).toEqual(['1:1', '1:2'])
  })

  it('ends after `limit` records, of which the cursor goes on', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(5))
    const first = await exportTopic(gateway, topic, { limit: '2' })
    expect(offsetsOf(first)).toEqual([0, 1])
    expect(first.last).toEqual({ caughtUp: false, cursor: first.records[1]!.cursor })
    const rest = await exportTopic(gateway, topic, { limit: '9', cursor: first.last!.cursor as string })
    expect(offsetsOf(rest)).toEqual([2, 3, 4])
    expect(rest.last).toMatchObject({ caughtUp: true })
  })

  it('ends where `until` says: before an offset, or before the first record of a time', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const times = [1_000, 2_000, 3_000, 4_000].map((ms) => 1_700_000_000_000 + ms)
    await produce(
      topic,
      times.map((timestamp, n) => ({ value: `v${n}`, timestamp: String(timestamp) })),
    )
    const ends = async (until: string, query: Record<string, string> = {}) => {
      const { records, last } = await exportTopic(gateway, topic, { until, ...query })
      expect(last).toMatchObject({ caughtUp: true })
      return records.map(({ offset }) => offset)
    }
    expect(await ends('latest')).toEqual([0, 1, 2, 3])
    expect(await ends('3')).toEqual([0, 1, 2])
    expect(await ends('0')).toEqual([])
    expect(await ends('1', { from: '2' })).toEqual([])
    expect(await ends(`@${times[2]!}`)).toEqual([0, 1])
    expect(await ends(`@${times[2]! + 1}`)).toEqual([0, 1, 2])
    expect(await ends(new Date(times[1]!).toISOString())).toEqual([0])
    expect(await ends(`@${Date.now()}`)).toEqual([0, 1, 2, 3])
  })

  it('waits for an offset that is still to come, and for no more', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    const exported = exportTopic(gateway, topic, { until: '4' })
    await produce(topic, numbered(5, { from: 2 }))
    expect(offsetsOf(await exported)).toEqual([0, 1, 2, 3])
  })

  it('ends at a time to come before the first record of that time', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    const later = Date.now() + 3_600_000
    const exported = exportTopic(gateway, topic, { until: `@${later}` })
    await produce(topic, [
      { value: 'before' },
      { value: 'at', timestamp: String(later) },
      { value: 'after', timestamp: String(later + 1) },
    ])
    const { records, last } = await exported
    expect(records.map(({ value }) => value)).toEqual(['v0', 'v1', 'before'])
    expect(last).toMatchObject({ caughtUp: true })
    const rest = await exportTopic(gateway, topic, { cursor: last!.cursor as string })
    expect(rest.records.map(({ value }) => value)).toEqual(['at', 'after'])
  })

  it('ends when that time has come, with everything there is by then', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    await produce(topic, numbered(2))
    const at = Date.now() + 1_500
    const exported = exportTopic(gateway, topic, { until: new Date(at).toISOString() })
    await produce(topic, numbered(1, { from: 2, partition: 1 }))
    const { records, last } = await exported
    expect(Date.now()).toBeGreaterThanOrEqual(at)
    expect(records.map(place).sort()).toEqual(['0:0', '0:1', '1:0'])
    expect(last).toMatchObject({ caughtUp: true })
  })

  it('ends at whatever time about now', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const ends = Array.from({ length: 40 }, (_, n) => {
      return exportTopic(gateway, topic, { until: `@${Date.now() + n * 5 - 40}`, from: 'latest' })
    })
    for (const { last } of await Promise.all(ends)) expect(last).toMatchObject({ caughtUp: true })
  })

  it('reads to the last stable offset past what was aborted, where it asks for read_committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await transact(topic, [
      [['a'], 'commit'],
      [['x', 'y'], 'abort'],
    ])
    const { records, last } = await exportTopic(gateway, topic, { isolation: 'read_committed' })
    expect(records.map(({ value }) => value)).toEqual(['a'])
    expect(last).toMatchObject({ caughtUp: true })
  })

  it('goes on for ever where it is to follow', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(2))
    const raw = new RawConnection(gateway)
    raw.sendHead(`GET /v1/topics/${topic}/records?follow=true HTTP/1.1`, 'Accept: application/x-ndjson')
    await until(() => raw.text().includes('"v1"'))
    await produce(topic, numbered(2, { from: 2 }))
    await until(() => raw.text().includes('"v3"'))
    expect(raw.text()).not.toContain('caughtUp')
  })

  it('shows only records of a key, or with headers, and comes past the others', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, [
      { key: 'a', value: '0', headers: { type: 'x', from: 'here' } },
      { key: 'b', value: '1', headers: { type: 'x' } },
      { key: 'a', value: '2', headers: { type: 'y' } },
      { key: null, value: '3', headers: { type: ['y', 'x'], from: 'here' } },
      { key: 'a', value: '4' },
    ])
    const found = async (query: [string, string][]) => {
      const { records, last } = await exportTopic(gateway, topic, query)
      expect(last).toMatchObject({ caughtUp: true })
      expect((await exportTopic(gateway, topic, { cursor: last!.cursor as string })).records).toEqual([])
      return records.map(({ value }) => value)
    }
    expect(await found([['key', 'a']])).toEqual(['0', '2', '4'])
    expect(await found([['header', 'type:x']])).toEqual(['0', '1', '3'])
    expect(
      await found([
        ['header', 'type:x'],
        ['header', 'from:here'],
      ]),
    ).toEqual(['0', '3'])
    expect(
      await found([
        ['key', 'a'],
        ['header', 'type:y'],
      ]),
    ).toEqual(['2'])
    expect(await found([['key', 'none']])).toEqual([])
    const { records } = await exportTopic(gateway, topic, { key: 'a', limit: '2' })
    expect(records.map(({ value }) => value)).toEqual(['0', '2'])
  })

  it('ends with an error where its topic is deleted, and the cursor it came to', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const raw = new RawConnection(gateway)
    raw.sendHead(`GET /v1/topics/${topic}/records?follow=true HTTP/1.1`, 'Accept: application/x-ndjson')
    await until(() => raw.text().includes('"v0"'))
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))
    await until(() => raw.text().endsWith('0\r\n\r\n'))
    const [record, last] = raw
      .text()
      .match(/^\{.*\}$/gm)!
      .map((line) => JSON.parse(line) as { cursor: string })
    expect(last).toMatchObject({ error: { code: 'topic_not_found', retryable: false } })
    expect(last!.cursor).toBe(record!.cursor)
  })

  it.each([
    ['until=-1', 'until'],
    ['until=earliest', 'until'],
    ['until=9&follow=true', 'follow'],
    ['limit=0', 'limit'],
    ['limit=x', 'limit'],
    ['header=x', 'header'],
    ['header=a:b&header=:x', 'header'],
    ['follow=yes', 'follow'],
    ['from=earliest&cursor=x', 'from'],
    ['wait=1', 'wait'],
    ['maxBytes=2000', 'maxBytes'],
    ['key=a&key=b', 'key'],
    ['nonsense=1', 'nonsense'],
    ['format=xml', 'format'],
  ])('refuses %s, and names the parameter', async (query, parameter) => {
    const gateway = await startTestGateway()
    for (const accept of ['application/x-ndjson', 'text/event-stream']) {
      const answer = await http(gateway).get(`/v1/topics/t/records?${query}`, { headers: { accept } })
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({ code: 'invalid_parameter', errors: [{ parameter }] })
    }
  })

  it.each(['until=latest', 'follow=false'])('is what %s is of, and no single answer', async (query) => {
    const gateway = await startTestGateway()
    const answer = await http(gateway).get(`/v1/topics/t/records?${query}`)
    expect(answer.status).toBe(422)
    expect(answer.json).toMatchObject({ errors: [{ parameter: query.split('=')[0] }] })
  })

  it('answers HEAD with its headers, and 404s and 406s as any read', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const api = http(gateway)
    for (const accept of ['application/x-ndjson', 'text/event-stream']) {
      const head = await api.head(`/v1/topics/${topic}/records`, { headers: { accept } })
      expect(head.status).toBe(200)
      expect(head.headers.get('content-type')).toBe(accept)
      expect(head.bytes).toHaveLength(0)
      const none = await api.get('/v1/topics/no-such-topic/records', { headers: { accept } })
      expect(none.json).toMatchObject({ status: 404, code: 'topic_not_found' })
    }
    const image = await api.get(`/v1/topics/${topic}/records`, { headers: { accept: 'image/png' } })
    expect(image.status).toBe(406)
  })

  it('leaves out a last line that was cut, for whoever reads a file of it', () => {
    expect(parseExport('{"offset":1}\n{"offset":2}\n{"off').records).toEqual([{ offset: 1 }, { offset: 2 }])
  })
})
