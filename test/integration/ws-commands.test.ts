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

const place = { topic: 't', partition: 0 }

/** Commands about what is read that say something that can't be, with the member that is at fault. */
const badCommands: [message: Record<string, unknown>, pointer: string][] = [
  ...['pause', 'resume'].flatMap((type): [Record<string, unknown>, string][] => [
    [{ type, partitions: [] }, '/partitions'],
    [{ type, partitions: null }, '/partitions'],
    [{ type, partitions: 'all' }, '/partitions'],
    [{ type, partitions: [{ topic: 't' }] }, '/partitions/0/partition'],
    [{ type, partitions: [{ partition: 0 }] }, '/partitions/0/topic'],
    [{ type, partitions: [{ ...place, partition: -1 }] }, '/partitions/0/partition'],
    [{ type, partitions: [{ ...place, partition: 0.5 }] }, '/partitions/0/partition'],
    [{ type, partitions: [{ ...place, partition: 1e30 }] }, '/partitions/0/partition'],
    [{ type, partitions: [{ ...place, partition: '0' }] }, '/partitions/0/partition'],
    [{ type, partitions: [{ ...place, topic: 7 }] }, '/partitions/0/topic'],
    [{ type, partitions: [{ ...place, offset: 0 }] }, '/partitions/0/offset'],
    [{ type, partitions: Array.from({ length: 10_001 }, () => place) }, '/partitions'],
    [{ type, topic: 't' }, '/topic'],
  ]),
  [{ type: 'seek', offset: 0 }, '/topic'],
  [{ type: 'seek', ...place }, ''],
  [{ type: 'seek', ...place, offset: 0, timestamp: 0 }, ''],
  [{ type: 'seek', ...place, offset: 0, from: 'earliest' }, ''],
  [{ type: 'seek', ...place, offset: -1 }, '/offset'],
  [{ type: 'seek', ...place, offset: 1.5 }, '/offset'],
  [{ type: 'seek', ...place, offset: 1e30 }, '/offset'],
  [{ type: 'seek', ...place, offset: '0' }, '/offset'],
  [{ type: 'seek', ...place, offset: null }, '/offset'],
  [{ type: 'seek', ...place, timestamp: -1 }, '/timestamp'],
  [{ type: 'seek', ...place, timestamp: 0.5 }, '/timestamp'],
  [{ type: 'seek', ...place, timestamp: 1e30 }, '/timestamp'],
  [{ type: 'seek', ...place, timestamp: '2026-01-01T00:00:00Z' }, '/timestamp'],
  [{ type: 'seek', ...place, from: 'then' }, '/from'],
  [{ type: 'seek', ...place, from: 0 }, '/from'],
  [{ type: 'seek', ...place, from: '-'.repeat(100) }, '/from'],
  [{ type: 'seek', topic: 't', partition: -1, offset: 0 }, '/partition'],
  [{ type: 'seek', topic: 't', partition: null, offset: 0 }, '/partition'],
  [{ type: 'seek', topic: 't', partition: 1e30, offset: 0 }, '/partition'],
  [{ type: 'seek', ...place, offset: 0, x: 1 }, '/x'],
  [{ type: 'credit' }, '/records'],
  [{ type: 'credit', bytes: 1 }, '/records'],
  [{ type: 'credit', records: -1 }, '/records'],
  [{ type: 'credit', records: 1.5 }, '/records'],
  [{ type: 'credit', records: 2 ** 31 }, '/records'],
  [{ type: 'credit', records: 1e30 }, '/records'],
  [{ type: 'credit', records: '1' }, '/records'],
  [{ type: 'credit', records: 1, bytes: -1 }, '/bytes'],
  [{ type: 'credit', records: 1, bytes: 0.5 }, '/bytes'],
  [{ type: 'credit', records: 1, bytes: 1e30 }, '/bytes'],
  [{ type: 'credit', records: 1, bytes: null }, '/bytes'],
  [{ type: 'credit', records: 1, x: 1 }, '/x'],
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

describe('a command about what is read', () => {
  it('that says something that cannot be is answered by an error that names the member, and changes nothing', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const perSocket = 9
    for (let from = 0; from < badCommands.length; from += perSocket) {
      const commands = badCommands.slice(from, from + perSocket)
      const client = await connect(gateway, { topics: topic, window: '0' }).opened()
      for (const [message] of commands) client.send(message)
      client.send({ type: 'credit', records: 1 })
      await client.until('the answers', () => client.all('error').length === commands.length)
      const answers = client
        .all('error')
        .map(({ code, ref, errors }) => ({ code, ref, at: errors?.[0]?.pointer }))
      expect(answers).toEqual(
        commands.map(([{ type }, pointer]) => ({ code: 'invalid_request', ref: type, at: pointer })),
      )
      await client.frame('caughtUp')
      await produce(topic, numbered(1))
      await client.received(1)
      await client.close()
    }
  })

  it.each(['pause', 'resume', 'seek', 'credit'])(
    'before there is a subscription is an error: %s',
    async (type) => {
      const client = await connect(await startTestGateway()).opened()
      const members = { seek: { topic: 't', offset: 0 }, credit: { records: 1 } }
      client.send({ type, ...members[type as 'seek'] })
      expect(await client.frame('error')).toMatchObject({ code: 'not_subscribed', ref: type })
    },
  )
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
