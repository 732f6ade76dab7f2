import type { Config } from '../../config/config.ts'
import type { KafkaConfig } from '../../config/kafka-config.ts'
import { isInternalTopic, SECRETS_TOPIC } from '../../internal-topics.ts'
import type { KafkaOperation } from '../../kafka/survey/operations.ts'
import type { SeenTopic } from '../../kafka/survey/seen-topics.ts'
import { ID_PREFIX } from '../../kafka/transactions/transaction-key.ts'
import { listed, ok, problem, skipped, type Verdict, warning } from '../finding.ts'
import { grant } from './advice.ts'

/** What may be done with something; undefined where Kafka does not say. */
export type Rights = ReadonlySet<KafkaOperation> | undefined

/** What is refused over HTTP without an operation on the cluster. */
const administration = {
  create: 'creating topics',
  alter: 'ACLs, users, moving replicas, electing leaders',
  describe: 'ACLs, users, transactions and the controller',
  'describe-configs': "brokers' configs and quotas",
  'alter-configs': "changing brokers' configs and quotas",
} as const satisfies Partial<Record<KafkaOperation, string>>

const words = { write: 'written', read: 'read' } as const

/** Whether it may write, or read, the topics there are. */
export function topicRightsVerdict(
  operation: keyof typeof words,
  topics: readonly SeenTopic[],
  kafka: KafkaConfig,
  cluster: Rights,
): Verdict {
  const users = topics.filter(({ name, internal }) => !internal && !isInternalTopic(name))
  const fix = `${grant(kafka, [operation, 'describe'], "--topic '*'")}, or for each topic.`
  if (users.length === 0 && cluster?.has('alter') === true) return skipped('there is no topic yet')
  if (users.length === 0)
    return skipped('Kafka shows the gateway no topic: there is none, or it may DESCRIBE none', fix)
  const told = users.filter(({ operations }) => operations !== undefined)
  if (told.length === 0) return skipped('Kafka does not tell')
  const may = told.filter(({ operations }) => operations!.has(operation))
  if (may.length === told.length) return ok(`all topics that there are to see: ${told.length}`)
  if (may.length === 0)
    return warning(`none of the ${told.length} topics that there are to see may be ${words[operation]}`, fix)
  const others = told.filter((topic) => !may.includes(topic)).map(({ name }) => name)
  return ok(`${may.length} of ${told.length} topics; not ${listed(others)}`)
}

export function groupRightsVerdict(may: boolean, kafka: KafkaConfig): Verdict {
  if (may) return ok('groups of any name')
  return warning(
    "not groups of any name (no READ); rules for some names can't be seen from here",
    `${grant(kafka, ['read', 'describe'], "--group '*'")}, or for each group. Where that has been done for the groups in use, this is fine.`,
  )
}

export function transactionRightsVerdict(may: boolean, kafka: KafkaConfig): Verdict {
  if (may)
    return ok(
      `transactional ids that begin with ${ID_PREFIX} may be seen; whether they may be written shows when one is`,
    )
  return warning(
    'transactions are refused',
    `${grant(kafka, ['write', 'describe'], `--transactional-id ${ID_PREFIX} --resource-pattern-type prefixed`)}.`,
  )
}

/** Whether the gateway can keep what it signs tokens with. */
export function secretRightsVerdict(
  { secret, kafka }: Pick<Config, 'secret' | 'kafka'>,
  topics: readonly SeenTopic[],
  cluster: Rights,
): Verdict {
  if (secret !== undefined) return ok('SLUICE_SECRET is set: nothing is kept in Kafka')
  const topic = topics.find(({ name }) => name === SECRETS_TOPIC)
  const fix = `Set SLUICE_SECRET, the same for all replicas; or ${grant(kafka, ['create', 'read', 'write', 'describe'], `--topic ${SECRETS_TOPIC}`)}.`
  if (topic !== undefined) {
    if (topic.operations?.has('read') !== false) return ok(`kept in ${SECRETS_TOPIC}`)
    return problem(
      `${SECRETS_TOPIC} may not be read: exactly-once produce, tickets and coming back are refused`,
      fix,
    )
  }
  if (cluster === undefined) return skipped('Kafka does not tell', fix)
  if (cluster.has('create')) return ok(`will be kept in ${SECRETS_TOPIC}, made when it is first needed`)
  return warning(
    `${SECRETS_TOPIC} is not to be seen, and may not be made with CREATE on the cluster: exactly-once produce, tickets and coming back may be refused`,
    fix,
  )
}

export function administrationVerdict(rights: Rights, kafka: KafkaConfig): Verdict {
  if (rights === undefined) return skipped('Kafka does not tell')
  const lacking = (Object.keys(administration) as (keyof typeof administration)[]).filter(
    (operation) => !rights.has(operation),
  )
  if (lacking.length === 0) return ok(Object.keys(administration).map(upper).join(', '))
  const refused = lacking.map((operation) => `${administration[operation]} (${upper(operation)})`)
  return warning(
    `refused: ${refused.join('; ')}`,
    `${grant(kafka, lacking, '--cluster')}. Where the gateway is not to administer Kafka, this is fine.`,
  )
}

function upper(operation: string): string {
  return operation.toUpperCase().replaceAll('-', '_')
}
