import type { Cluster } from '../../kafka/cluster.ts'
import type { Deadline } from '../../kafka/deadline.ts'
import { kafkaVersionOf, type Registration, versionsOf } from '../../kafka/admin/cluster/brokers.ts'
import { controllerClock } from '../../kafka/survey/controller-clock.ts'
import { lackingIn } from '../../kafka/survey/needed-apis.ts'
import type { ApiVersionsAnswer } from '../../kafka/wire/cluster-apis.ts'
import { clockVerdict } from '../clock.ts'
import { counted, ok, problem, skipped, type Verdict, type Verdicts, warning } from '../finding.ts'

/** With so many, one may be away while another fails and still nothing written is lost. */
export const ENOUGH_BROKERS = 3
/** From this level on transactions work as KIP-890 has them. */
const SAFE_TRANSACTIONS = 2

export function brokersVerdicts(registered: readonly Registration[]): Verdicts {
  const away = registered.filter(({ fenced }) => fenced)
  const count = counted(registered.length, 'broker')
  if (away.length > 0) {
    const names = away.map(({ broker }) => broker).join(', ')
    return problem(
      `${count}, of which ${names} ${away.length === 1 ? 'is' : 'are'} out of service`,
      'Start it, or look why it does not join: its log says. If it is gone for good, take it out of the cluster.',
    )
  }
  if (registered.length < ENOUGH_BROKERS) {
    return warning(
      `${count}: what is written is gone with ${registered.length === 1 ? 'its' : 'their'} disks, and nothing can be written while one is away`,
      `Run at least ${ENOUGH_BROKERS}, on machines of their own.`,
    )
  }
  return ok(`${count}, all in service`)
}

/** What each broker says it supports. */
export type Versions = ReadonlyMap<number, ApiVersionsAnswer>

export async function brokerVersions(cluster: Cluster, deadline: Deadline): Promise<Versions> {
  return (await versionsOf(cluster, [...cluster.brokers.keys()], deadline)).answers
}

export function versionsVerdicts(versions: Versions): Verdicts {
  const releases = new Map(
    [...versions].map(([node, answer]) => [node, kafkaVersionOf(answer) ?? 'not known here']),
  )
  const verdicts = [...versions].flatMap(([node, answer]): Verdict[] => {
    const { essential, optional } = lackingIn(answer)
    const subject = `broker ${node}`
    if (essential.length > 0)
      return [
        problem(
          `Kafka ${releases.get(node)}, too old for ${essential.join(', ')}`,
          'Upgrade it to Kafka 3.1 or newer.',
          subject,
        ),
      ]
    if (optional.length > 0)
      return [
        warning(
          `Kafka ${releases.get(node)}, too old for ${optional.join(', ')}`,
          'Upgrade it, or do without: what needs it is answered 501 kafka_too_old.',
          subject,
        ),
      ]
    return []
  })
  const distinct = [...new Set(releases.values())]
  if (distinct.length > 1) {
    const each = [...releases].map(([node, release]) => `${node}: ${release}`).join(', ')
    verdicts.push(warning(`brokers of several versions (${each})`, 'Finish the upgrade.'))
  }
  if (verdicts.length > 0) return verdicts
  return distinct.length === 0
    ? skipped('no broker said what it speaks')
    : ok(`Kafka ${distinct.join(', ')}, all that the gateway needs`)
}

export function featuresVerdict(versions: Versions, bootstrap: string): Verdict {
  const levels = [...versions.values()].flatMap(({ finalizedFeatures }) => finalizedFeatures)
  const level = Math.max(
    0,
    ...levels
      .filter(({ name }) => name === 'transaction.version')
      .map(({ maxVersionLevel }) => maxVersionLevel),
  )
  if (versions.size === 0) return skipped('no broker said')
  if (level >= SAFE_TRANSACTIONS) return ok(`transaction.version is ${level}`)
  return warning(
    `transaction.version is ${level}: a transaction whose end is lost may be left hanging, and hold its readers up`,
    `With Kafka 4: kafka-features.sh --bootstrap-server ${bootstrap} upgrade --feature transaction.version=${SAFE_TRANSACTIONS}. Until then, \`sluice transactions\` finds and aborts what hangs.`,
  )
}

/** @param afterMaxMs what brokers take of records from the future, `message.timestamp.after.max.ms`, where it is known */
export async function kafkaClockVerdict(
  cluster: Cluster,
  deadline: Deadline,
  afterMaxMs = 3_600_000,
): Promise<Verdict> {
  const difference = await controllerClock(cluster, deadline)
  if (difference === undefined) {
    return skipped(
      'Kafka does not tell the time: it is older than 3.3, or does not let the gateway DESCRIBE the cluster',
    )
  }
  const { controller, aheadMs, uncertaintyMs } = difference
  const limit = { ms: afterMaxMs, breaks: 'records are refused, or kept for too long or too short a time' }
  return clockVerdict("the active controller's", aheadMs, uncertaintyMs, limit, `node ${controller}`)
}
