import type { Config } from '../../config/config.ts'
import { TlsFiles } from '../../config/tls-files.ts'
import { registrations, type Registration } from '../../kafka/admin/cluster/brokers.ts'
import { Cluster, parseEndpoint } from '../../kafka/cluster.ts'
import { Connector } from '../../kafka/connector.ts'
import type { Endpoint } from '../../kafka/broker-connection.ts'
import { Deadline } from '../../kafka/deadline.ts'
import { KafkaMeter } from '../../kafka/meter.ts'
import { brokerConfigs, type Configs, topicConfigs } from '../../kafka/survey/configs.ts'
import { reachBroker } from '../../kafka/survey/reach.ts'
import { clusterRights, mayDescribeTransactions, mayReadGroup } from '../../kafka/survey/rights.ts'
import { seenTopics } from '../../kafka/survey/seen-topics.ts'
import { Problem } from '../../problems/problem.ts'
import { type CheckName, checkNames, checks } from '../checks.ts'
import { ok } from '../finding.ts'
import type { Findings } from '../findings.ts'
import { type Address, addressText, addressVerdict } from './addresses.ts'
import {
  brokersVerdicts,
  brokerVersions,
  featuresVerdict,
  kafkaClockVerdict,
  versionsVerdicts,
} from './brokers.ts'
import {
  kafkaTopicsVerdicts,
  MOST_TOPICS,
  newTopicsVerdicts,
  topicConfigNames,
  type Topics,
  topicsVerdicts,
} from './durability.ts'
import { autoCreateVerdict, partitionsVerdicts, uncleanVerdict } from './partitions.ts'
import {
  groupTimeoutsVerdict,
  least,
  lookedAt,
  producerExpiryVerdicts,
  recordSizeVerdict,
  transactionTimeoutVerdict,
} from './limits.ts'
import {
  administrationVerdict,
  groupRightsVerdict,
  secretRightsVerdict,
  topicRightsVerdict,
  transactionRightsVerdict,
} from './rights.ts'

/** For one address, and for the first question to the cluster, and for all that follows it, ms. */
const ADDRESS_MS = 5_000
const FACTS_MS = 3_000
const QUESTIONS_MS = 5_000
/** Most brokers whose advertised addresses are tried. */
const MOST_BROKERS = 100
/** Nobody has a group of this name: what may be done with it may be done with any. */
const ANY_GROUP = 'sluice-doctor'

const kafkaGroups: readonly string[] = [
  'Way to Kafka',
  'Cluster',
  'What Kafka keeps',
  'Limits',
  'Rights at Kafka',
]
export const kafkaChecks: readonly CheckName[] = checkNames.filter((check) =>
  kafkaGroups.includes(checks[check].group),
)

/**
 * Goes to Kafka as the gateway does, and asks it: nothing is written, and no topic comes about.
 * @param config undefined where the settings of the connection are not understood
 */
export async function examineKafka(
  findings: Findings,
  config: Config | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (config === undefined || config.kafka.brokers.length === 0) {
    return findings.skip(kafkaChecks, 'not before the settings are understood')
  }
  const { kafka } = config
  const connector = new Connector(kafka, new KafkaMeter(), signal)
  const tls = kafka.tls && new TlsFiles(kafka.tls)
  const reach = (endpoint: Endpoint) =>
    reachBroker(endpoint, { connector, tls, deadline: new Deadline(ADDRESS_MS, signal) })
  const bootstrap = await Promise.all(
    kafka.brokers.map(async (text): Promise<Address> => {
      const endpoint = parseEndpoint(text)
      return { ...endpoint, reach: await reach(endpoint) }
    }),
  )
  const verdicts = (addresses: readonly Address[]) =>
    addresses.map((address) => addressVerdict(address, kafka.sasl))
  await findings.make('bootstrap', () => verdicts(bootstrap))
  const open = bootstrap.filter((address) => address.reach.failed === undefined)
  if (open.length === 0) return findings.skip(kafkaChecks, 'no broker let the gateway in')
  if (kafka.clients !== undefined)
    return findings.skip(kafkaChecks, 'Kafka is asked as each client: the gateway has no login of its own')
  // Only those that took the gateway: the others are not asked to once more.
  const cluster = new Cluster({ ...kafka, brokers: open.map(addressText) })
  try {
    const registered = await registrations(cluster, new Deadline(FACTS_MS, signal))
    const advertised = async () => {
      const elsewhere = registered.filter(
        (one) => !one.fenced && !bootstrap.some(({ host, port }) => one.host === host && one.port === port),
      )
      if (elsewhere.length === 0) return ok('those in KAFKA_BROKERS')
      const tried = elsewhere
        .slice(0, MOST_BROKERS)
        .map(async ({ broker, host, port }): Promise<Address> => ({
          broker,
          host,
          port,
          reach: await reach({ host, port }),
        }))
      return verdicts(await Promise.all(tried))
    }
    await Promise.all([
      findings.make('advertised', advertised),
      findings.make('brokers', () => brokersVerdicts(registered)),
      question(findings, config, cluster, registered, signal),
    ])
  } catch (error) {
    findings.skip(
      kafkaChecks,
      `Kafka does not say what brokers it has: ${error instanceof Problem ? error.message.replace(/\.$/, '') : 'no answer'}`,
    )
  } finally {
    await cluster.close()
  }
}

/** Asks the brokers what the rest takes, each thing once, and side by side. */
async function question(
  findings: Findings,
  config: Config,
  cluster: Cluster,
  registered: readonly Registration[],
  signal: AbortSignal,
): Promise<void> {
  const { kafka } = config
  const deadline = new Deadline(QUESTIONS_MS, signal)
  const count = registered.length
  const versions = brokerVersions(cluster, deadline)
  const configs = brokerConfigs(cluster, lookedAt, deadline).catch(noneToSee)
  const topics = topicsOf(cluster, deadline)
  const rights = clusterRights(cluster, deadline)
  // Each is awaited by the checks that need it, some of which may not be wanted.
  for (const asked of [versions, configs, topics, rights]) asked.catch(() => {})
  await Promise.all([
    findings.make('versions', async () => versionsVerdicts(await versions)),
    findings.make('features', async () => featuresVerdict(await versions, kafka.brokers[0]!)),
    findings.make('clock', async () =>
      kafkaClockVerdict(cluster, deadline, least(await configs, 'log.message.timestamp.after.max.ms')),
    ),
    findings.make('new-topics', async () => newTopicsVerdicts(await configs, count)),
    findings.make('kafka-topics', async () => kafkaTopicsVerdicts(await topics, await configs, count)),
    findings.make('unclean-elections', async () => uncleanVerdict(await topics, await configs)),
    findings.make('auto-create', async () => autoCreateVerdict(await configs)),
    findings.make('partitions', async () => partitionsVerdicts(await topics)),
    findings.make('topics', async () => topicsVerdicts(await topics, count)),
    findings.make('record-size', async () => recordSizeVerdict(config, await configs)),
    findings.make('group-timeouts', async () => groupTimeoutsVerdict(config, await configs)),
    findings.make('transaction-timeout', async () => transactionTimeoutVerdict(config, await configs)),
    findings.make('producer-expiry', async () => producerExpiryVerdicts(await configs)),
    findings.make('may-write', async () =>
      topicRightsVerdict('write', (await topics).seen, kafka, await rights),
    ),
    findings.make('may-read', async () =>
      topicRightsVerdict('read', (await topics).seen, kafka, await rights),
    ),
    findings.make('may-use-groups', async () =>
      groupRightsVerdict(await mayReadGroup(cluster, ANY_GROUP, deadline), kafka),
    ),
    findings.make('may-use-transactions', async () =>
      transactionRightsVerdict(await mayDescribeTransactions(cluster, deadline), kafka),
    ),
    findings.make('may-keep-secret', async () =>
      secretRightsVerdict(config, (await topics).seen, await rights),
    ),
    findings.make('may-administer', async () => administrationVerdict(await rights, kafka)),
  ])
}

async function topicsOf(cluster: Cluster, deadline: Deadline): Promise<Topics> {
  const seen = await seenTopics(cluster, deadline)
  // Kafka's own first: they are few, and matter most.
  const names = [...seen].sort((a, b) => Number(b.internal) - Number(a.internal)).map(({ name }) => name)
  return {
    seen,
    configs: await topicConfigs(cluster, names.slice(0, MOST_TOPICS), topicConfigNames, deadline),
  }
}

/** Brokers that may not be asked for their configs tell none. */
function noneToSee(error: unknown): ReadonlyMap<number, Configs> {
  if (error instanceof Problem && error.code === 'kafka_authorization') return new Map()
  throw error
}
