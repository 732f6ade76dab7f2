import type { Config } from '../../config/config.ts'
import type { Configs } from '../../kafka/survey/configs.ts'
import { GRACE_MS } from '../../kafka/transactions/transactions.ts'
import { ok, problem, skipped, type Verdict, warning } from '../finding.ts'

type Own = Pick<Config, 'limits' | 'group'>
/** The configs of each broker, by node id. */
export type BrokersConfigs = ReadonlyMap<number, Configs>

const HOUR_MS = 3_600_000
const MIB = 1_048_576

/** The configs that are looked at. */
export const lookedAt = [
  'default.replication.factor',
  'min.insync.replicas',
  'unclean.leader.election.enable',
  'auto.create.topics.enable',
  'offsets.topic.replication.factor',
  'transaction.state.log.replication.factor',
  'transaction.state.log.min.isr',
  'message.max.bytes',
  'log.message.timestamp.after.max.ms',
  'group.min.session.timeout.ms',
  'group.max.session.timeout.ms',
  'transaction.max.timeout.ms',
  'transactional.id.expiration.ms',
  'producer.id.expiration.ms',
] as const
type Name = (typeof lookedAt)[number]

/** The least of a config among the brokers that tell it; undefined where none does. */
export function least(configs: BrokersConfigs, name: Name): number | undefined {
  const values = [...configs.values()].flatMap((one) => (one.has(name) ? [Number(one.get(name))] : []))
  return values.length === 0 ? undefined : Math.min(...values)
}

/** The greatest, as least(). */
export function greatest(configs: BrokersConfigs, name: Name): number | undefined {
  const values = [...configs.values()].flatMap((one) => (one.has(name) ? [Number(one.get(name))] : []))
  return values.length === 0 ? undefined : Math.max(...values)
}

export function untold(name: string): Verdict {
  return skipped(`Kafka does not tell ${name}`)
}

export function recordSizeVerdict({ limits }: Own, configs: BrokersConfigs): Verdict {
  const most = least(configs, 'message.max.bytes')
  if (most === undefined) return untold('message.max.bytes')
  const { maxBodyBytes, wsMaxMessageBytes } = limits
  const seen = `a record of up to ${sizeText(most)} where its topic says nothing else (message.max.bytes), in bodies of up to ${sizeText(maxBodyBytes)}`
  if (maxBodyBytes < most) {
    return warning(
      `${seen}: larger ones that Kafka takes, the gateway refuses`,
      `Set SLUICE_MAX_BODY_BYTES to ${most} or more, or leave it, if no record is that large.`,
    )
  }
  const ws = wsMaxMessageBytes < most ? `; over WebSocket up to ${sizeText(wsMaxMessageBytes)}` : ''
  return ok(`${seen}${ws}`)
}

export function groupTimeoutsVerdict({ group }: Own, configs: BrokersConfigs): Verdict {
  const [min, max] = [
    greatest(configs, 'group.min.session.timeout.ms'),
    least(configs, 'group.max.session.timeout.ms'),
  ]
  if (min === undefined || max === undefined)
    return untold('group.min.session.timeout.ms and group.max.session.timeout.ms')
  const own = group.sessionTimeoutMs
  const seen = `SLUICE_GROUP_SESSION_TIMEOUT_MS is ${own}, Kafka takes ${min} to ${max}`
  if (own >= min && own <= max) return ok(seen)
  return problem(
    `${seen}: nobody can read as a member of a group`,
    `Set it between these, or ${own < min ? 'lower group.min.session.timeout.ms' : 'raise group.max.session.timeout.ms'} of the brokers.`,
  )
}

export function transactionTimeoutVerdict({ limits }: Own, configs: BrokersConfigs): Verdict {
  const max = least(configs, 'transaction.max.timeout.ms')
  if (max === undefined) return untold('transaction.max.timeout.ms')
  const own = limits.produceTimeoutMs + GRACE_MS
  const seen = `transactions ask for ${own} ms (SLUICE_PRODUCE_TIMEOUT_MS and ${GRACE_MS}), Kafka takes up to ${max}`
  if (own <= max) return ok(seen)
  return problem(
    `${seen}: every transaction is refused`,
    `Set SLUICE_PRODUCE_TIMEOUT_MS to ${Math.max(0, max - GRACE_MS)} or less, or raise transaction.max.timeout.ms of the brokers.`,
  )
}

export function producerExpiryVerdicts(configs: BrokersConfigs): Verdict | Verdict[] {
  const spans = [
    { name: 'producer.id.expiration.ms', of: 'an exactly-once PUT' },
    { name: 'transactional.id.expiration.ms', of: 'a transaction with an id' },
  ] as const
  const told = spans.flatMap(({ name, of }) => {
    const ms = least(configs, name)
    return ms === undefined ? [] : [{ name, of, ms }]
  })
  if (told.length === 0) return untold('producer.id.expiration.ms')
  const short = told.filter(({ ms }) => ms < HOUR_MS)
  if (short.length === 0)
    return ok(told.map(({ of, ms }) => `${of} may be repeated for ${hoursText(ms)}`).join('; '))
  return short.map(({ name, of, ms }) =>
    warning(
      `${of} may be repeated for ${hoursText(ms)} alone`,
      `Raise it at the brokers, above the longest that a client waits before it tries again.`,
      name,
    ),
  )
}

export function sizeText(bytes: number): string {
  return `${Number((bytes / MIB).toFixed(2))} MiB`
}

function hoursText(ms: number): string {
  return ms < HOUR_MS ? `${Math.round(ms / 1_000)} s` : `${Number((ms / HOUR_MS).toFixed(1))} h`
}
