import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { withAuthorizer } from '../../support/authorizer.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpAnswer, type HttpClient } from '../../support/http.ts'
import { KafkaProxy } from '../../../dev/kafka/kafka-proxy.ts'
import { makeTopic, witness } from '../../support/kafka.ts'

const INIT_PRODUCER_ID = 22
const CREATE_ACLS = 30
const DELETE_ACLS = 31
const ALTER_QUOTAS = 49
const ALTER_USERS = 51

const aclOf = (user: string) => ({
  resourceType: 'topic',
  resourceName: 'orders',
  patternType: 'literal',
  principal: `User:${user}`,
  host: '*',
  operation: 'read',
  permission: 'allow',
})
const quotaOf = (user: string, producerByteRate: number | null) => ({
  entries: [{ entity: { user }, quotas: { producerByteRate } }],
})
const password = { mechanism: 'SCRAM-SHA-256', password: 'p' }

describe('a change of who may do what', () => {
  it('is answered as made where its answer was lost on the way', { timeout: 60_000 }, async () => {
    const proxy = await KafkaProxy.start()
    const address = `127.0.0.1:${proxy.port}`
    const kafka = await startTemporaryBroker({
      configs: { ...withAuthorizer, 'advertised.listeners': `PLAINTEXT://${address}` },
    })
    proxy.target = Number(kafka.bootstrap.split(':')[1])
    onTestFinished(async () => {
      await proxy.close()
      await kafka.stop()
    })
    const client = http(await startTestGateway({ KAFKA_BROKERS: address }))
    const lose = async (apiKey: number, change: () => Promise<HttpAnswer>) => {
      const lost = proxy.meet(apiKey, { responseBytes: 0 })
      const [answer] = await Promise.all([change(), lost])
      return answer
    }

    const made = await lose(CREATE_ACLS, () => client.post('/v1/acls', { acls: [aclOf('a')] }))
    expect(made.json).toEqual({ results: [{ ...aclOf('a'), existed: false }], dryRun: false })
    const removed = await lose(DELETE_ACLS, () => client.delete('/v1/acls?principal=User:a'))
    expect(removed.json).toEqual({ results: [aclOf('a')], dryRun: false })
    expect((await client.get('/v1/acls')).json).toMatchObject({ acls: [] })

    const set = await lose(ALTER_QUOTAS, () => client.patch('/v1/quotas', quotaOf('a', 7)))
    expect(set.json).toEqual({ results: quotaOf('a', 7).entries, validateOnly: false })
    expect((await client.get('/v1/quotas')).json).toMatchObject(quotaOf('a', 7))

    expect((await lose(ALTER_USERS, () => client.put('/v1/users/a', password))).status).toBe(201)
    expect((await lose(ALTER_USERS, () => client.put('/v1/users/a', password))).status).toBe(200)
    expect((await lose(ALTER_USERS, () => client.delete('/v1/users/a'))).status).toBe(204)
    expect((await client.delete('/v1/users/a')).status).toBe(404)

    const topic = await makeTopic({}, address)
    const producer = witness(address).producer({ transactionalId: 'tx', idempotent: true })
    await producer.connect()
    onTestFinished(() => producer.disconnect())
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value: 'x' }] })
    const aborted = await lose(INIT_PRODUCER_ID, () => client.delete('/v1/transactional-ids/tx'))
    expect(aborted.json).toMatchObject({ state: 'Ongoing', aborted: true })
    await expect(transaction.commit()).rejects.toThrow()
  })

  it(
    'is made once, however often it is repeated, while the controller dies in the midst of it',
    { timeout: 120_000 },
    async () => {
      const kafka = await startTemporaryCluster(3, { configs: withAuthorizer })
      onTestFinished(() => kafka.stop())
      const client = http(await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap }))
      const { controller } = (await client.get('/v1/cluster')).json as { controller: number }

      const users = Array.from({ length: 12 }, (_, i) => `u${i}`)
      let begun = 0
      const dies = Promise.withResolvers<unknown>()
      const changes = users.map(async (user, i) => {
        const began = () => {
          if (++begun === users.length / 2)
            kafka.brokers[controller - 1]!.kill9().then(dies.resolve, dies.reject)
        }
        const odd = i % 2 === 1
        await repeat(() => client.post('/v1/acls', { acls: [aclOf(user)] }))
        began()
        await repeat(() => client.patch('/v1/quotas', quotaOf(user, 1_000 + i)))
        await repeat(() => client.put(`/v1/users/${user}`, password))
        if (odd) await repeat(() => client.delete(`/v1/acls?principal=User:${user}`))
        if (odd) await repeat(() => client.patch('/v1/quotas', quotaOf(user, null)))
        // Not found: an earlier try that was answered 503 deleted it after all.
        if (odd) await repeat(() => client.delete(`/v1/users/${user}`), 404)
      })
      await Promise.all([...changes, dies.promise])

      const even = users.filter((_, i) => i % 2 === 0).sort()
      await expect
        .poll(() => standing(client), { timeout: 30_000 })
        .toEqual({
          acls: even.map(aclOf),
          quotas: even.map((user) => quotaOf(user, 1_000 + users.indexOf(user)).entries[0]),
          users: even,
        })
    },
  )
})

/** Sends a change until it is made; every other answer has to be one that says to send it again. */
async function repeat(change: () => Promise<HttpAnswer>, done = 200): Promise<void> {
  for (;;) {
    const answer = await change()
    if (answer.status < 300 || answer.status === done) return
    expect(answer).toMatchObject({ status: 503, json: { code: 'kafka_unavailable', retryable: true } })
  }
}

async function standing(client: HttpClient) {
  const [acls, quotas, users] = await Promise.all(
    ['acls', 'quotas', 'users'].map((p) => client.get(`/v1/${p}`)),
  )
  return {
    acls: (acls!.json as { acls: object[] }).acls,
    quotas: (quotas!.json as { entries: object[] }).entries,
    users: (users!.json as { users: { user: string }[] }).users.map(({ user }) => user),
  }
}
