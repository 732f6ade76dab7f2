import { Writable } from 'node:stream'
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { pino } from 'pino'
import { beforeAll, afterAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { BrokerConnection } from '../../../src/kafka/broker-connection.ts'
import { KafkaMeter } from '../../../src/kafka/meter.ts'
import { initProducerId } from '../../../src/kafka/wire/apis.ts'
import { findCoordinator } from '../../../src/kafka/wire/group-apis.ts'
import { produceInTransaction } from '../../../src/kafka/wire/produce.ts'
import { encodeRecordBatch } from '../../../src/kafka/wire/record-batch-writer.ts'
import { TRANSACTION_KEY } from '../../../src/kafka/wire/transaction-apis.ts'
import { withAuthorizer } from '../../support/authorizer.ts'
import { runDoctor } from '../../support/doctor.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { codeBlocks, shellAt, shellCommands } from '../../support/readme.ts'

/** The broker's address without a password, for the gateway, and with one, for the witness. */
const broker = { open: '', sasl: '' }
let stop = () => Promise.resolve()

beforeAll(async () => {
  const port = await freePort()
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const started = await startTemporaryBroker({
    listeners: [`SASL://127.0.0.1:${port}`],
    configs: {
      ...withAuthorizer,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.sasl.scram-sha-256.sasl.jaas.config': scram,
      'listener.name.sasl.scram-sha-512.sasl.jaas.config': scram,
      // As in Kafka before 3.6, so that a transaction can be left hanging.
      'transaction.partition.verification.enable': 'false',
    },
  })
  stop = () => started.stop()
  Object.assign(broker, { open: started.bootstrap, sasl: `127.0.0.1:${port}` })
})
afterAll(() => stop())

async function openClient(options?: Parameters<typeof startTestGateway>[1]): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: broker.open }, options))
}

/** kafkajs, logged in. */
function witness(mechanism: 'scram-sha-256' | 'scram-sha-512', username: string, password: string): Kafka {
  return new Kafka({
    brokers: [broker.sasl],
    sasl: { mechanism, username, password } as SASLOptions,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  })
}

async function logIn(...as: Parameters<typeof witness>): Promise<'in' | 'refused'> {
  const admin = witness(...as).admin()
  try {
    await admin.connect()
    return 'in'
  } catch (error) {
    if ((error as Error).name === 'KafkaJSSASLAuthenticationError') return 'refused'
    throw error
  } finally {
    await admin.disconnect()
  }
}

describe('a SCRAM password', () => {
  it('lets its user log in, and no longer when it is changed or deleted; is in no log and no answer', async () => {
    const lines: string[] = []
    const stream = new Writable({ write: (line, _, done) => (lines.push(String(line)), done()) })
    const client = await openClient({ log: pino({ level: 'trace' }, stream) })
    const user = uniqueName('u')
    const path = `/v1/users/${user}`
    const [first, second] = ['first-påss=word,', 'second-password']
    const texts: string[] = []
    const put = async (mechanism: string, password: string, iterations?: number) => {
      const answer = await client.put(path, { mechanism, password, iterations })
      texts.push(answer.text)
      return answer.status
    }
    expect(await logIn('scram-sha-256', user, first)).toBe('refused')
    expect(await put('SCRAM-SHA-256', first)).toBe(201)
    expect(await logIn('scram-sha-256', user, first)).toBe('in')
    expect(await logIn('scram-sha-256', user, second)).toBe('refused')
    expect(await logIn('scram-sha-512', user, first)).toBe('refused')
    expect(await put('SCRAM-SHA-512', first, 16_384)).toBe(200)
    expect(await logIn('scram-sha-512', user, first)).toBe('in')

    expect(await put('SCRAM-SHA-256', second)).toBe(200)
    await expect.poll(() => logIn('scram-sha-256', user, first)).toBe('refused')
    expect(await logIn('scram-sha-256', user, second)).toBe('in')
    expect(await logIn('scram-sha-512', user, first)).toBe('in')

    expect((await client.delete(`${path}?mechanism=SCRAM-SHA-512`)).status).toBe(204)
    expect(await logIn('scram-sha-512', user, first)).toBe('refused')
    expect(await logIn('scram-sha-256', user, second)).toBe('in')
    expect((await client.delete(path)).status).toBe(204)
    expect(await logIn('scram-sha-256', user, second)).toBe('refused')

    // Nor when it cannot be stored.
    texts.push((await client.put(path, { mechanism: 'MD5', password: first })).text)
    texts.push((await client.put(path, { mechanism: 'SCRAM-SHA-256', pass: first })).text)
    expect(lines.length).toBeGreaterThan(0)
    for (const text of [...lines, ...texts]) expect(text).not.toMatch(/first-|second-/)
  })
})

describe('an ACL', () => {
  it('lets a principal do what it allows, no more, until it is removed or another denies it', async () => {
    const client = await openClient()
    const [user, topic] = [uniqueName('u'), uniqueName()]
    await client.post('/v1/topics', { name: topic })
    await client.put(`/v1/users/${user}`, { mechanism: 'SCRAM-SHA-512', password: 'p' })
    onTestFinished(async () => void (await client.delete(`/v1/users/${user}`)))
    const producer = witness('scram-sha-512', user, 'p').producer({ allowAutoTopicCreation: false })
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const produce = async () => {
      try {
        await producer.send({ topic, messages: [{ value: 'x' }] })
        return 'done'
      } catch (error) {
        return (error as Error).message
      }
    }
    const principal = `User:${user}`
    const denied = 'Not authorized to access topics: [Topic authorization failed]'
    expect(await produce()).toBe(denied)
    const prefixed = {
      resourceType: 'topic',
      resourceName: topic.slice(0, 6),
      patternType: 'prefixed',
      principal,
    }
    await client.post('/v1/acls', { acls: [{ ...prefixed, operation: 'read' }] })
    expect(await produce()).toBe(denied)
    await client.post('/v1/acls', { acls: [{ ...prefixed, operation: 'write' }] })
    expect(await produce()).toBe('done')
    const everyone = { resourceType: 'topic', resourceName: '*', principal: 'User:*', operation: 'write' }
    await client.post('/v1/acls', { acls: [{ ...everyone, permission: 'deny' }] })
    expect(await produce()).toBe(denied)
    await client.delete('/v1/acls?principal=User:*&permission=deny')
    expect(await produce()).toBe('done')
    await client.post('/v1/acls', { acls: [{ ...everyone, host: '192.0.2.1', permission: 'deny' }] })
    expect(await produce()).toBe('done')
    await client.delete(`/v1/acls?principal=${principal}&operation=write`)
    expect(await produce()).toBe(denied)
  })

  it("keeps a gateway of small rights from changing anything, and says that it's Kafka's word", async () => {
    const open = await openClient()
    const [user, password] = [uniqueName('u'), 'gateway-password']
    await open.put(`/v1/users/${user}`, { mechanism: 'SCRAM-SHA-256', password })
    onTestFinished(async () => void (await open.delete(`/v1/users/${user}`)))
    const sasl = { KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256', KAFKA_SASL_USERNAME: user }
    const env = { KAFKA_BROKERS: broker.sasl, ...sasl, KAFKA_SASL_PASSWORD: password }
    const client = http(await startTestGateway(env))
    const acl = { resourceType: 'topic', resourceName: 't', principal: 'User:a', operation: 'read' }
    const quota = { entity: { user: 'a' }, quotas: { producerByteRate: 1 } }
    const credential = { mechanism: 'SCRAM-SHA-256', password: 'p' }
    const topic = uniqueName()
    await open.post('/v1/topics', { name: topic })
    for (const answer of [
      await client.get('/v1/acls'),
      await client.post('/v1/acls', { acls: [acl] }),
      await client.delete('/v1/acls?all=true'),
      await client.get('/v1/quotas'),
      await client.patch('/v1/quotas', { entries: [quota] }),
      await client.get('/v1/users'),
      await client.put('/v1/users/a', credential),
      await client.delete(`/v1/users/${user}`),
      await client.get('/v1/transactional-ids/a'),
      await client.get(`/v1/topics/${topic}/partitions/0/producers`),
    ]) {
      expect(answer).toMatchObject({ status: 403, json: { code: 'kafka_authorization' } })
    }
    expect((await client.get('/v1/transactional-ids')).json).toMatchObject({ transactionalIds: [] })
    expect((await open.get(`/v1/users/${user}`)).status).toBe(200)
  })
})

/** Writes a record in a transaction that its coordinator is not told of. */
async function leaveHanging(topic: string, transactionalId: string | null): Promise<bigint> {
  const [host = '', port] = broker.open.split(':')
  const connection = await BrokerConnection.open('test', { host, port: Number(port) }, {}, new KafkaMeter())
  onTestFinished(() => connection.destroy())
  const producerId = await vi.waitFor(async () => {
    // The first transactional id has Kafka make the topic that it keeps them in.
    await connection.call(findCoordinator, TRANSACTION_KEY, ['any'])
    const answer = await connection.call(initProducerId, transactionalId, 60_000, -1n, -1)
    expect(answer.errorCode).toBe(0)
    return answer.producerId
  }, 10_000)
  const record = { key: null, value: Buffer.from('lost'), headers: [], timestamp: Date.now() - 3_600_000 }
  const identity = { producerId, producerEpoch: 0, baseSequence: 0, transactional: true }
  const batch = encodeRecordBatch([record], identity)
  const part = { topic, partition: 0, batch }
  const answer = await connection.call(produceInTransaction, [part], 5_000, 'all', transactionalId ?? 'any')
  expect(answer.results.get(topic)!.get(0)!.errorCode).toBe(0)
  return producerId
}

describe('a hanging transaction', () => {
  it('is found, aborted in its partition, and no longer holds up readers of committed records', async () => {
    const client = await openClient()
    const topic = uniqueName()
    await client.post('/v1/topics', { name: topic })
    const transactionalId = uniqueName('tx')
    const producerIds = [await leaveHanging(topic, transactionalId), await leaveHanging(topic, null)].map(
      Number,
    )
    await client.post(`/v1/topics/${topic}/records`, { value: 'held up' })
    const read = async () => {
      const { json } = await client.get(`/v1/topics/${topic}/records?from=earliest&isolation=read_committed`)
      return (json as { records: { value: unknown }[] }).records.map(({ value }) => value)
    }
    expect(await read()).toEqual([])

    const found = await client.get(`/v1/hanging-transactions?topic=${topic}`)
    expect(found.json).toMatchObject({
      transactions: producerIds.map((producerId, i) => ({
        ...{ topic, partition: 0, producerId, producerEpoch: 0, transactionStartOffset: i },
        transactionalId: i === 0 ? transactionalId : null,
      })),
    })
    expect((await client.get('/v1/hanging-transactions')).json).toEqual(found.json)
    const young = await client.get(`/v1/hanging-transactions?topic=${topic}&olderThanMs=7200000`)
    expect(young.json).toEqual({ transactions: [], unanswered: [] })
    const arguments_ = ['find-hanging', '--topic', topic, '--max-transaction-timeout', '15']
    const shown = await kafkaTool('kafka-transactions', arguments_, broker.open)
    for (const producerId of producerIds)
      expect(shown).toMatch(new RegExp(`${topic}\\s+0\\s+${producerId}\\s`))

    const path = `/v1/topics/${topic}/partitions/0/abort`
    const [first, second] = producerIds
    const planned = await client.post(path, { producerId: first, dryRun: true })
    expect(planned.json).toMatchObject({ producerId: first, transactionStartOffset: 0, dryRun: true })
    const other = await client.post(path, { producerId: first, producerEpoch: 1 })
    expect(other).toMatchObject({ status: 404, json: { code: 'no_open_transaction' } })
    expect((await client.get(`/v1/hanging-transactions?topic=${topic}`)).json).toEqual(found.json)

    const aborted = await client.post(path, { producerId: first, producerEpoch: 0 })
    expect(aborted).toMatchObject({ status: 200, json: { ...(planned.json as object), dryRun: false } })
    expect(await client.post(path, { producerId: first })).toMatchObject({ status: 404 })
    expect(await read()).toEqual([])
    await kafkaTool(
      'kafka-transactions',
      ['abort', '--topic', topic, '--partition', '0', '--start-offset', '1'],
      broker.open,
    )
    await expect.poll(() => client.post(path, { producerId: second })).toMatchObject({ status: 404 })
    await vi.waitFor(async () => expect(await read()).toEqual(['held up']))
  })
})

it("sluice doctor says what a gateway's user may not do, and the commands it names let it", async () => {
  const [user, secret] = [uniqueName('gateway'), 'doctor-password']
  const topic = await makeTopic({}, broker.open)
  const admin = await openClient()
  await admin.put(`/v1/users/${user}`, { mechanism: 'SCRAM-SHA-256', password: secret })
  const acls = (...args: string[]) => kafkaTool('kafka-acls', args, broker.open)
  await acls('--add', '--allow-principal', `User:${user}`, '--operation', 'Read', '--topic', topic)
  onTestFinished(async () => {
    await acls('--remove', '--force', '--topic', '*')
    await acls('--remove', '--force', '--cluster')
  })
  const look = async () => {
    const diagnosis = await runDoctor({
      KAFKA_BROKERS: broker.sasl,
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: secret,
    })
    expect(diagnosis.text).not.toContain(secret)
    return diagnosis
  }
  const refused = await look()
  expect(refused.with('problem')).toEqual([])
  expect(refused.of('may-read')).toMatchObject([{ status: 'ok' }])
  expect(refused.of('may-write')).toMatchObject([
    { status: 'warning', seen: expect.stringContaining('none of the 1') },
  ])
  expect(refused.of('may-administer')).toMatchObject([
    { status: 'warning', seen: expect.stringContaining('creating topics (CREATE)') },
  ])
  expect(refused.of('may-keep-secret')).toMatchObject([
    { status: 'warning', fix: expect.stringContaining('Set SLUICE_SECRET') },
  ])
  expect(refused.with('warning')).toEqual(expect.arrayContaining(['may-use-groups', 'may-use-transactions']))
  // What it may not see, it does not judge.
  expect(refused.with('skipped')).toEqual(expect.arrayContaining(['clock', 'new-topics', 'record-size']))

  for (const check of ['may-write', 'may-administer']) {
    const [, words] = /--bootstrap-server \S+ (--add .*?(?:--topic '\*'|--cluster))/.exec(
      refused.of(check)[0]!.fix!,
    )!
    await acls(...words!.split(' ').map((word) => word.replaceAll("'", '')))
  }
  await expect
    .poll(async () => (await look()).with('ok'), { timeout: 20_000 })
    .toEqual(
      expect.arrayContaining(['may-write', 'may-administer', 'may-keep-secret', 'clock', 'new-topics']),
    )
}, 90_000)

it('docs/access.md shows commands that work as written, and may be repeated', async () => {
  const { url } = await startTestGateway({ KAFKA_BROKERS: broker.open })
  const run = shellAt(url)
  const blocks = codeBlocks('docs/access.md')
  expect(blocks.map(({ language }) => language)).toEqual(['sh', 'sh', 'sh'])
  const [acls, quotas, users] = blocks.map(shellCommands)
  const alice = { principal: 'User:alice', operation: 'read', permission: 'allow' }
  const both = [
    { ...alice, resourceType: 'group', resourceName: 'billing-', patternType: 'prefixed' },
    { ...alice, resourceType: 'topic', resourceName: 'orders', patternType: 'literal' },
  ]
  for (const existed of [false, true]) {
    expect(await run(acls![0]!)).toMatchObject({
      results: both.toReversed().map((acl) => ({ ...acl, existed })),
    })
  }
  expect(await run(acls![1]!)).toMatchObject({ acls: both })
  expect(await run(acls![2]!)).toMatchObject({ acls: both.slice(0, 1) })
  expect(await run(acls![3]!)).toMatchObject({ results: both, dryRun: true })
  expect(await run(acls![4]!)).toMatchObject({ results: both, dryRun: false })
  expect(await run(acls![4]!)).toMatchObject({ results: [] })
  expect(acls).toHaveLength(5)

  for (let n = 0; n < 2; n++) {
    expect(await run(quotas![0]!)).toMatchObject({ results: [{}, {}, {}], validateOnly: false })
  }
  const ofUser = { entity: { user: 'alice' }, quotas: { producerByteRate: 1_048_576, requestPercentage: 50 } }
  const ofClients = { entity: { user: 'alice', clientId: null }, quotas: { consumerByteRate: 2_097_152 } }
  expect(await run(quotas![1]!)).toMatchObject({ entries: [ofUser, ofClients] })
  expect(await run(quotas![2]!)).toMatchObject({ entries: [ofClients] })
  expect(await run(quotas![3]!)).toMatchObject({ results: [{}], validateOnly: true })
  expect(await run(quotas![1]!)).toMatchObject({ entries: [ofUser, ofClients] })
  expect(quotas).toHaveLength(4)

  const user = { user: 'alice', credentials: [{ mechanism: 'SCRAM-SHA-512', iterations: 8_192 }] }
  for (const i of [0, 0, 1]) expect(await run(users![i]!)).toEqual(user)
  expect(await logIn('scram-sha-512', 'alice', 'correct horse battery staple')).toBe('in')
  const { users: all } = (await run(users![2]!)) as { users: unknown[] }
  expect(all).toContainEqual(user)
  expect(await run(users![3]!)).toBeUndefined()
  expect(await run(users![1]!)).toMatchObject({ code: 'user_not_found' })
  expect(users).toHaveLength(4)
})
