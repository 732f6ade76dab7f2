import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { TestProducer } from '../../support/producer.ts'
import { readAll } from '../../support/read-all.ts'

const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
// Of Kafka's `ResourceType`, `PatternType` and `AclOperation`, as kafkajs numbers them.
const [TOPIC, LITERAL, ANY_HOST, ALLOW] = [2, 3, '*', 3]
const [READ, WRITE, DESCRIBE] = [3, 4, 8]

it('says what the gateway lacks where Kafka does not let it keep a secret, ask, compare or write', async () => {
  const port = await freePort()
  const kafka = await startTemporaryBroker({
    listeners: [`SASL://127.0.0.1:${port}`],
    configs: {
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config': `${plain} user_sluice="secret";`,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    },
  })
  onTestFinished(() => kafka.stop())
  const topic = await makeTopic({}, kafka.bootstrap)
  const allow = (resourceName: string, operation: number) =>
    withAdmin(async (admin) => {
      const acl = {
        resourceType: TOPIC,
        resourceName,
        resourcePatternType: LITERAL,
        principal: 'User:sluice',
      }
      await admin.createAcls({ acl: [{ ...acl, host: ANY_HOST, operation, permissionType: ALLOW }] })
    }, kafka.bootstrap)
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void lines.push(line) })
  const env = {
    KAFKA_BROKERS: `127.0.0.1:${port}`,
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_SASL_USERNAME: 'sluice',
    KAFKA_SASL_PASSWORD: 'secret',
    SLUICE_PRODUCE_TIMEOUT_MS: '3000',
  }
  const keeper = http(await startTestGateway(env, { log }))
  const client = http(await startTestGateway({ ...env, SLUICE_SECRET: 'x'.repeat(40) }, { log }))
  const open = (at = client) => at.post(`/v1/topics/${topic}/producers`, {})
  const forbidden = { status: 403, json: { code: 'kafka_authorization', retryable: false } }

  expect(await open()).toMatchObject(forbidden)
  await allow(topic, DESCRIBE)
  // Kafka gives producer ids to whoever may write to some topic.
  expect(await open()).toMatchObject(forbidden)
  await allow(topic, WRITE)
  const refused = await open(keeper)
  expect(refused).toMatchObject(forbidden)
  expect((refused.json as { detail: string }).detail).toMatch(/_sluice_secrets.*SLUICE_SECRET/)
  const producer = await TestProducer.open(client, topic)
  const unread = await producer.put(client, 0, { value: 'a' })
  expect(unread).toMatchObject(forbidden)
  expect((unread.json as { detail: string }).detail).toMatch(/Read/)
  await allow(topic, READ)
  expect(await producer.put(client, 0, { value: 'a' })).toMatchObject({ status: 201, json: { offset: 0 } })
  expect(await producer.put(client, 0, { value: 'a' })).toMatchObject({ status: 200, json: { offset: 0 } })
  expect(await readAll(topic, kafka.bootstrap)).toHaveLength(1)
  expect(lines.filter((line) => line.includes('producer.id.expiration.ms'))).toHaveLength(1)
})
