import kafkajs, { type AclEntry } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic, withAdmin } from '../../support/kafka.ts'
import { committedValues, transact } from '../../support/transactions.ts'

const { AclOperationTypes: op, AclPermissionTypes, AclResourceTypes: type, ResourcePatternTypes } = kafkajs

let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
let secured: string
beforeAll(async () => {
  const port = await freePort()
  secured = `127.0.0.1:${port}`
  kafka = await startTemporaryBroker({
    listeners: [`SASL://${secured}`],
    configs: {
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_sluice="secret";',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'transaction.max.timeout.ms': '20000',
    },
  })
})
afterAll(() => kafka.stop())

function grant(resourceType: number, resourceName: string, operation: number, prefixed = false): AclEntry {
  return {
    resourceType,
    resourceName,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal: 'User:sluice',
    host: '*',
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  }
}

describe('a transaction in a Kafka with ACLs', () => {
  it('is refused whole for each right that is missing, and committed with those that the page names', async () => {
    const [topic, other] = [await makeTopic({}, kafka.bootstrap), await makeTopic({}, kafka.bootstrap)]
    const client = http(
      await startTestGateway({
        KAFKA_BROKERS: secured,
        KAFKA_SASL_MECHANISM: 'PLAIN',
        KAFKA_SASL_USERNAME: 'sluice',
        KAFKA_SASL_PASSWORD: 'secret',
      }),
    )
    const body = {
      id: 'with-rights',
      records: [{ topic, value: 'x' }],
      offsets: { group: 'billing', offsets: [{ topic: other, partition: 0, offset: 1 }] },
    }
    const rights = [
      [grant(type.TOPIC, topic, op.DESCRIBE), grant(type.TOPIC, other, op.READ)],
      [grant(type.TRANSACTIONAL_ID, 'sluice-', op.DESCRIBE, true)],
      [grant(type.TRANSACTIONAL_ID, 'sluice-', op.WRITE, true)],
      [grant(type.GROUP, 'billing', op.READ)],
      [grant(type.TOPIC, topic, op.WRITE)],
      [grant(type.GROUP, 'sluice-id-', op.READ, true)],
      [grant(type.TOPIC, topic, op.READ)],
    ]
    for (const acl of rights) {
      const answer = await transact(client, body)
      expect([answer.status, answer.json]).toMatchObject([
        403,
        { code: 'kafka_authorization', state: 'aborted', outcome: 'not_written' },
      ])
      await withAdmin((admin) => admin.createAcls({ acl }), kafka.bootstrap)
    }
    expect((await transact(client, body)).json).toMatchObject({ state: 'committed', duplicate: false })
    expect((await transact(client, body)).json).toMatchObject({ state: 'committed', duplicate: true })
    expect(await committedValues(client, topic, kafka.bootstrap)).toEqual(['x'])
  })
})

it('is 502 transaction_timeout_refused where the brokers allow no transaction as long as the gateway may need', async () => {
  const topic = await makeTopic({}, kafka.bootstrap)
  const env = { KAFKA_BROKERS: kafka.bootstrap, SLUICE_PRODUCE_TIMEOUT_MS: '16000' }
  const client = http(await startTestGateway(env))
  const answer = await transact(client, { records: [{ topic, value: 'x' }] })
  expect([answer.status, answer.json]).toMatchObject([
    502,
    { code: 'transaction_timeout_refused', state: 'aborted' },
  ])
})
