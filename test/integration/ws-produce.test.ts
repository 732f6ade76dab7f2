import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { readAll } from '../support/read-all.ts'
import { silentKafka } from '../support/silent-kafka.ts'
import { connect, type FrameOf, type WsClient } from '../support/ws.ts'

const produceMessage = (id: number | string, topic: string, ...records: object[]) => ({
  type: 'produce',
  id,
  topic,
  records,
})

/** Every answer to a produce, by id, once there are so many. */
async function answers(client: WsClient, count: number): Promise<Map<string | number, FrameOf<'produced'>>> {
  await client.until(`${count} answers`, () => client.all('produced').length >= count)
  return new Map(client.all('produced').map((frame) => [frame.id, frame]))
}

const positionsOf = (frame: FrameOf<'produced'>) =>
  frame.results.map((result) =>
    'error' in result ? result.error.code : `${result.partition}:${result.offset}`,
  )

describe('produce over a WebSocket', () => {
  it('takes any number of messages at once, answers each by its id, and keeps the order within a key', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    const client = await connect(gateway).opened()
    const count = 3_000
    for (let n = 0; n < count; n++) client.send(produceMessage(n, topic, { key: `k${n % 10}`, value: n }))
    const told = await answers(client, count)
    const records = await readAll(topic)
    const places = new Map(records.map((r) => [String(r.value), `${r.partition}:${r.offset}`]))
    expect(places.size).toBe(count)
    expect(records).toHaveLength(count)
    for (let n = 0; n < count; n++) expect(positionsOf(told.get(n)!)).toEqual([places.get(String(n))])
    for (let key = 0; key < 10; key++) {
      const own = records.filter((r) => String(r.key) === `k${key}`).map((r) => Number(r.value))
      expect(own).toEqual([...own].sort((a, b) => a - b))
    }
  })

  it('keeps the bytes of a record as HTTP does, and gives the id back as it was sent', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = await connect(gateway).opened()
    client.send(
      `{"records":[{"value": {"n":12345678901234567890, "n2":1.0} ,"headers":[{"name":"a","value":null},{"name":"a","value":"/w==","encoding":"base64"}]},{"value":null}],` +
        `"topic":"${topic}","acks":"1","id":"é-1","type":"produce"}`,
    )
    const told = await answers(client, 1)
    expect(positionsOf(told.get('é-1')!)).toEqual(['0:0', '0:1'])
    const [first, second] = await readAll(topic)
    expect(String(first!.value)).toBe('{"n":12345678901234567890, "n2":1.0}')
    expect(first!.headers).toEqual({ a: [null, Buffer.from([0xff])] })
    expect(second!.value).toBeNull()
  })

  it.each<[string, object, object]>([
    ['without a topic', { topic: undefined }, { code: 'invalid_request', errors: [{ pointer: '/topic' }] }],
    ['with a topic that is none', { topic: '..' }, { code: 'invalid_request' }],
    ['of an internal topic', { topic: '__consumer_offsets' }, { code: 'internal_topic' }],
    ['of a topic that does not exist', { topic: 'no-such-topic' }, { code: 'topic_not_found' }],
    [
      'without records',
      { records: undefined },
      { code: 'invalid_request', errors: [{ pointer: '/records' }] },
    ],
    ['with no record', { records: [] }, { code: 'empty_batch' }],
    ['with records that are no list', { records: {} }, { code: 'invalid_request' }],
    [
      'with a record that is none',
      { records: [{ value: 1 }, { key: 'a' }] },
      { errors: [{ pointer: '/records/1/value' }] },
    ],
    [
      'with an unknown member',
      { retries: 3 },
      { code: 'invalid_request', errors: [{ pointer: '/retries' }] },
    ],
    ['with acks that Kafka has not', { acks: '2' }, { errors: [{ pointer: '/acks' }] }],
    ['with an id that is none', { id: 1.5 }, { errors: [{ pointer: '/id' }] }],
  ])(
    'refuses a message %s by an error with its id, and its neighbours are written',
    async (_, change, answer) => {
      const gateway = await startTestGateway()
      const topic = await makeTopic()
      const client = await connect(gateway).opened()
      client.send(produceMessage('before', topic, { value: 'before' }))
      client.send({ ...produceMessage('bad', topic, { value: 'bad' }), ...change })
      client.send(produceMessage('after', topic, { value: 'after' }))
      const error = await client.frame('error')
      const isNamed = !('id' in change)
      expect(error).toMatchObject({ ref: 'produce', outcome: 'not_written', ...(isNamed && { id: 'bad' }) })
      const { errors, ...rest } = answer as { errors?: { pointer: string }[] }
      expect(error).toMatchObject(rest)
      if (errors !== undefined) expect(error.errors).toMatchObject(errors)
      const told = await answers(client, 2)
      expect([...told.keys()].sort()).toEqual(['after', 'before'])
      expect((await readAll(topic)).map((r) => String(r.value)).sort()).toEqual(['after', 'before'])
    },
  )

  it('answers each record of a message by itself', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const client = await connect(gateway).opened()
    client.send(produceMessage(1, topic, { value: 'a', partition: 1 }, { value: 'b', partition: 9 }))
    const told = await answers(client, 1)
    expect(positionsOf(told.get(1)!)).toEqual(['1:0', 'partition_not_found'])
  })

  it('goes together with a subscription on the same socket', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic, group: uniqueName('g'), from: 'earliest' })
    await client.frame('assigned', { where: ({ partitions }) => partitions.length > 0 })
    for (let n = 0; n < 100; n++) client.send(produceMessage(n, topic, { value: n }))
    await client.received(100)
    expect(client.records.map(({ value }) => value)).toEqual([...Array(100).keys()].map(String))
    await client.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 100 })
  })

  it('says when a socket has as much under way as it may, reads nothing more of it, and goes on when there is room', async () => {
    const env = {
      KAFKA_BROKERS: await silentKafka(),
      SLUICE_PRODUCE_TIMEOUT_MS: '1000',
      SLUICE_WS_PRODUCE_MESSAGES: '10',
    }
    const gateway = await startTestGateway(env)
    const client = await connect(gateway).opened()
    for (let n = 0; n < 25; n++) client.send(produceMessage(n, 't', { value: n }))
    await client.until('25 answers', () => client.all('error').length >= 25)
    const ids = client.all('error').map(({ id }) => id)
    expect(ids).toEqual([...Array(25).keys()])
    expect(client.all('error')[0]).toMatchObject({ code: 'kafka_unavailable', outcome: 'not_written' })
    const types = client.frames.map(({ type }) => type)
    expect(types[0]).toBe('produceHeld')
    expect(client.all('produceHeld').map(({ inFlight }) => inFlight)).toEqual(
      [10, 10, 10].slice(0, client.all('produceHeld').length),
    )
    expect(client.all('produceReady').length).toBe(client.all('produceHeld').length)
    expect(client.all('produceHeld').length).toBeGreaterThanOrEqual(2)
  })

  it('refuses a message that the gateway has no room for, retryable, without a word to the others', async () => {
    const env = {
      KAFKA_BROKERS: await silentKafka(),
      SLUICE_PRODUCE_TIMEOUT_MS: '3000',
      SLUICE_PRODUCE_BUFFER_BYTES: '1048576',
    }
    const gateway = await startTestGateway(env)
    const [first, second] = [await connect(gateway).opened(), await connect(gateway).opened()]
    first.send(produceMessage('big', 't', { value: 'x'.repeat(900_000) }))
    first.send('{"type":"ack","offsets":[{"topic":"t","partition":0,"offset":0}]}')
    // The big one has been taken when the message behind it is answered.
    await first.frame('error', { where: ({ code }) => code === 'not_subscribed' })
    for (let n = 0; n < 15; n++) second.send(produceMessage(n, 't', { value: 'y'.repeat(500_000) }))
    await second.until('the refusals', () => second.all('error').length >= 15)
    expect(second.all('error').every(({ code, retryable }) => code === 'overloaded' && retryable)).toBe(true)
    expect(await first.frame('error', { where: ({ id }) => id === 'big' })).toMatchObject({
      code: 'kafka_unavailable',
    })
    second.send(produceMessage('late', 't', { value: 'y'.repeat(500_000) }))
    expect(await second.frame('error', { where: ({ id }) => id === 'late' })).toMatchObject({
      code: 'kafka_unavailable',
    })
  })

  it('answers what was sent before it closes for a shutdown, and takes no more', async () => {
    const gateway = await startTestGateway({ SLUICE_SHUTDOWN_TIMEOUT_MS: '4000' })
    const topic = await makeTopic()
    const client = await connect(
      gateway,
      {},
      {
        observe: (frame) => {
          if (frame.type === 'draining') client.send(produceMessage('late', topic, { value: 'late' }))
        },
      },
    ).opened()
    for (let n = 0; n < 500; n++) client.send(produceMessage(n, topic, { value: n }))
    await answers(client, 1)
    await gateway.stop()
    expect(await client.closed).toMatchObject({ code: 4503 })
    // What it had not read when it closed was neither written nor answered.
    const refused = client.all('error')
    expect(refused.every(({ code, outcome }) => code === 'shutting_down' && outcome === 'not_written')).toBe(
      true,
    )
    const written = (await readAll(topic)).map((r) => String(r.value)).sort()
    const told = client
      .all('produced')
      .map(({ id }) => String(id))
      .sort()
    expect(told).toEqual(written)
  })
})

describe('produce by an exactly-once producer over a WebSocket', () => {
  async function setUp() {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const opened = await http(gateway).post(`/v1/topics/${topic}/producers`)
    const { producer, partition } = opened.json as { producer: string; partition: number }
    const once = (sequence: number, ...values: string[]) => ({
      ...produceMessage(sequence, topic, ...values.map((value) => ({ value }))),
      producer,
      sequence,
    })
    const values = async () => (await readAll(topic)).map((r) => String(r.value))
    return { gateway, topic, producer, partition, once, values }
  }

  it('is written once, also when it is all sent again on another socket, and answered with the same offsets', async () => {
    const { gateway, partition, once, values } = await setUp()
    const messages = [once(0, 'a', 'b'), once(2, 'c'), once(3, 'd', 'e', 'f')]
    const told: object[][] = []
    for (let turn = 0; turn < 2; turn++) {
      const client = await connect(gateway).opened()
      // Without waiting: they are written one after the other.
      for (const message of messages) client.send(message)
      await client.until('the answers', () => client.all('producedOnce').length === 3)
      told.push(
        client.all('producedOnce').map(({ id, offset, nextSequence }) => ({ id, offset, nextSequence })),
      )
      expect(client.all('producedOnce').map((frame) => [frame.partition, frame.duplicate])).toEqual(
        Array(3).fill([partition, turn === 1]),
      )
    }
    expect(told[0]).toEqual([
      { id: 0, offset: 0, nextSequence: 2 },
      { id: 2, offset: 2, nextSequence: 3 },
      { id: 3, offset: 3, nextSequence: 6 },
    ])
    expect(told[1]).toEqual(told[0])
    expect(await values()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  it('refuses a gap with the sequence number that is next, other records under a number, and a made-up producer', async () => {
    const { gateway, topic, producer, once, values } = await setUp()
    const client = await connect(gateway).opened()
    client.send(once(0, 'a'))
    client.send(once(5, 'gap'))
    expect(await client.frame('error')).toMatchObject({
      code: 'sequence_gap',
      id: 5,
      nextSequence: 1,
      outcome: 'not_written',
    })
    client.send({ ...once(0, 'other'), id: 'conflict' })
    await client.frame('error', {
      where: ({ id, code }) => id === 'conflict' && code === 'sequence_conflict',
    })
    const [first] = producer
    const altered = `${first === 'A' ? 'B' : 'A'}${producer.slice(1)}`
    client.send({ ...once(1, 'forged'), id: 'forged', producer: altered })
    await client.frame('error', { where: ({ id, code }) => id === 'forged' && code === 'invalid_producer' })
    client.send({ ...produceMessage('half', topic, { value: 'half' }), producer })
    await client.frame('error', { where: ({ id, code }) => id === 'half' && code === 'invalid_request' })
    expect(await values()).toEqual(['a'])
  })
})
