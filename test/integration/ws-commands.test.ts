import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect } from '../support/ws.ts'

/** Messages that are mistakes, and the answer to each. */
const mistakes: [name: string, message: object | string, answer: Record<string, unknown>][] = [
  ['no JSON', 'hello', { code: 'malformed_json' }],
  ['half of a document', '{"type":"ack"', { code: 'malformed_json' }],
  ['nothing', '', { code: 'malformed_json' }],
  ['a nesting of half a million', '['.repeat(500_000), { code: 'malformed_json' }],
  ['an array', [], { code: 'unknown_type' }],
  ['null', 'null', { code: 'unknown_type' }],
  ['a string', '"ack"', { code: 'unknown_type' }],
  ['no type', {}, { code: 'unknown_type' }],
  ['a type that is no string', { type: 7 }, { code: 'unknown_type' }],
  ['an unknown type', { type: 'acknowledge' }, { code: 'unknown_type', ref: 'acknowledge' }],
  ['a type of the gateway', { type: 'committed', offsets: [] }, { code: 'unknown_type', ref: 'committed' }],
  ['a type of Object', { type: 'constructor' }, { code: 'unknown_type', ref: 'constructor' }],
  [
    'a subscription without topics',
    { type: 'subscribe' },
    { code: 'invalid_subscription', ref: 'subscribe' },
  ],
  ['an ack without offsets', { type: 'ack' }, { code: 'invalid_request', ref: 'ack' }],
  ['an empty ack', { type: 'ack', offsets: [] }, { code: 'invalid_request', ref: 'ack' }],
  [
    'an unknown member',
    { type: 'ack', offsets: [{ topic: 't', partition: 0, offset: 0 }], x: 1 },
    { code: 'invalid_request' },
  ],
  [
    'a member named __proto__',
    '{"type":"subscribe","topics":["t"],"__proto__":{"group":"g"}}',
    { code: 'invalid_request' },
  ],
  [
    'an ack before a subscription',
    { type: 'ack', offsets: [{ topic: 't', partition: 0, offset: 0 }] },
    { code: 'not_subscribed', ref: 'ack' },
  ],
  [
    'a topic that is none',
    { type: 'subscribe', topics: ['..'] },
    { code: 'invalid_topic_name', ref: 'subscribe' },
  ],
  ['an internal topic', { type: 'subscribe', topics: ['__consumer_offsets'] }, { code: 'internal_topic' }],
  [
    'a bad start',
    { type: 'subscribe', topics: ['t'], from: 'then' },
    { code: 'invalid_subscription', ref: 'subscribe' },
  ],
]

const badOffsets = [-1, 1.5, 2 ** 53, 1e300, '1', null]

describe('a message that is a mistake', () => {
  it.each(mistakes)('is answered by an error frame, and the socket lives: %s', async (_, message, answer) => {
    const gateway = await startTestGateway()
    const client = await connect(gateway).opened()
    client.send(message)
    const error = await client.frame('error')
    expect(error).toMatchObject(answer)
    if (!('ref' in answer) && answer.code === 'malformed_json') expect(error).not.toHaveProperty('ref')
    client.send({ type: 'nonsense' })
    await client.frame('error', { where: ({ ref }) => ref === 'nonsense' })
  })

  it.each(badOffsets)('names the member that is wrong: an offset of %s', async (offset) => {
    const gateway = await startTestGateway()
    const client = await connect(gateway).opened()
    client.send(`{"type":"ack","offsets":[{"topic":"t","partition":0,"offset":${JSON.stringify(offset)}}]}`)
    const { code, errors } = await client.frame('error')
    expect({ code, pointer: errors?.[0]?.pointer }).toEqual({
      code: 'invalid_request',
      pointer: '/offsets/0/offset',
    })
  })

  it('is answered in little, however long it was', async () => {
    const gateway = await startTestGateway()
    const client = await connect(gateway).opened()
    client.send({ type: 'ack', offsets: [{}], ['x'.repeat(1_000_000)]: 1 })
    client.send({ type: 'ack', offsets: Array.from({ length: 10_000 }, () => ({ topic: 1 })) })
    client.send({ type: 'x'.repeat(1_000_000) })
    await client.until('three answers', () => client.all('error').length === 3)
    for (const error of client.all('error')) expect(JSON.stringify(error).length).toBeLessThan(2_000)
  })

  it('ends the socket with 4400 when it is the tenth', async () => {
    const gateway = await startTestGateway()
    const client = await connect(gateway).opened()
    for (let i = 0; i < 30; i++) client.send('nonsense')
    expect(await client.closed).toMatchObject({ code: 4400 })
    expect(client.frames).toHaveLength(10)
  })

  it('shows nothing of the inside', async () => {
    const gateway = await startTestGateway()
    const client = await connect(gateway).opened()
    for (const [, message] of mistakes.slice(0, 9)) client.send(message)
    await client.until('the answers', () => client.frames.length === 9)
    expect(JSON.stringify(client.frames)).not.toMatch(/Error|node_modules|\.ts\b|at position|Zod/)
  })
})

describe('subscribing', () => {
  it('by the first frame does what the URL does', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(3))
    const client = await connect(gateway).opened()
    client.send({ type: 'subscribe', topics: [topic], group, from: 'earliest', ack: 'client' })
    await client.received(3)
    expect(client.frames[0]).toEqual({ type: 'assigned', partitions: [{ topic, partition: 0, offset: 0 }] })
    client.ack({ topic, partition: 0, offset: 2 })
    await client.frame('committed')
    expect(await committedOffsets(group, topic)).toEqual([3])
  })

  it('twice is refused, and the first subscription goes on', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic })
    await client.frame('caughtUp')
    client.send({ type: 'subscribe', topics: [topic] })
    expect(await client.frame('error')).toMatchObject({ code: 'already_subscribed', ref: 'subscribe' })
    await produce(topic, numbered(1))
    await client.received(1)
  })

  it('again is possible after a refused one', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = await connect(gateway).opened()
    client.send({ type: 'subscribe', topics: [topic], from: 'then' })
    await client.frame('error')
    client.send({ type: 'subscribe', topics: [topic] })
    await client.frame('caughtUp')
  })
})

describe('an ack', () => {
  it('of what was not delivered here is an error each time, never the end of the socket', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 1 })
    await produce(topic, numbered(5))
    const client = connect(gateway, {
      topics: topic,
      group: uniqueName('g'),
      from: 'earliest',
      ack: 'client',
    })
    await client.received(5)
    for (const wrong of [
      { topic, partition: 0, offset: 5 },
      { topic, partition: 1, offset: 0 },
      { topic: 'other', partition: 0, offset: 0 },
    ]) {
      for (let i = 0; i < 5; i++) client.ack(wrong)
    }
    await client.until('fifteen errors', () => client.all('error').length === 15)
    for (const error of client.all('error'))
      expect(error).toMatchObject({ code: 'unknown_delivery', ref: 'ack' })
    client.ack({ topic, partition: 0, offset: 4 })
    expect(await client.frame('committed')).toMatchObject({ offsets: [{ topic, partition: 0, offset: 5 }] })
  })

  it('that is wrong for one partition counts for the others', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(5))
    const client = connect(gateway, {
      topics: topic,
      group: uniqueName('g'),
      from: 'earliest',
      ack: 'client',
    })
    await client.received(5)
    client.ack({ topic, partition: 7, offset: 0 }, { topic, partition: 0, offset: 1 })
    await client.frame('error')
    expect(await client.frame('committed')).toMatchObject({ offsets: [{ partition: 0, offset: 2 }] })
  })

  it('twice, or of an earlier offset, does nothing', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(5))
    const client = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
    await client.received(5)
    client.ack({ topic, partition: 0, offset: 3 })
    await client.frame('committed')
    client.ack({ topic, partition: 0, offset: 3 })
    client.ack({ topic, partition: 0, offset: 1 })
    client.ack({ topic, partition: 0, offset: 4 })
    await client.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 5 })
    expect(client.all('committed').flatMap(({ offsets }) => offsets.map(({ offset }) => offset))).toEqual([
      4, 5,
    ])
    expect(client.all('error')).toEqual([])
    expect(await committedOffsets(group, topic)).toEqual([5])
  })

  it.each(['with ack=auto', 'without a group'])('means nothing %s, and says so', async (how) => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const query: Record<string, string> = { topics: topic, from: 'earliest' }
    if (how === 'with ack=auto') query.group = uniqueName('g')
    const client = connect(gateway, query)
    await client.received(1)
    client.ack({ topic, partition: 0, offset: 0 })
    expect(await client.frame('error')).toMatchObject({ code: 'unknown_delivery' })
  })
})
