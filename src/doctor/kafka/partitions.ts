import { listed, ok, problem, skipped, type Verdict, type Verdicts, warning } from '../finding.ts'
import { inSyncOf, type Topics } from './durability.ts'
import { type BrokersConfigs, untold } from './limits.ts'

export function partitionsVerdicts({ seen, configs }: Topics): Verdicts {
  const all = seen.flatMap((topic) =>
    topic.partitions.map((one) => ({
      ...one,
      name: `${topic.name}-${one.partition}`,
      needed: inSyncOf(configs.get(topic.name)) ?? 1,
    })),
  )
  const without = all.filter(({ leader }) => leader < 0)
  const below = all.filter(({ leader, isr, needed }) => leader >= 0 && isr.length < needed)
  const behind = all.filter(
    ({ leader, isr, replicas, needed }) =>
      leader >= 0 && isr.length >= needed && isr.length < replicas.length,
  )
  const count = (some: readonly { readonly name: string }[]) => `${some.length} of ${all.length} partitions`
  const names = (some: readonly { readonly name: string }[]) => listed(some.map(({ name }) => name))
  const start = 'Start the brokers that are away; `sluice cluster brokers` shows them.'
  const verdicts: Verdict[] = []
  if (without.length > 0)
    verdicts.push(
      problem(
        `${count(without)} have no leader, and can be neither written nor read: ${names(without)}`,
        start,
      ),
    )
  if (below.length > 0)
    verdicts.push(
      problem(
        `${count(below)} have fewer replicas in sync than min.insync.replicas, and can not be written: ${names(below)}`,
        start,
      ),
    )
  if (behind.length > 0)
    verdicts.push(
      warning(
        `${count(behind)} have replicas that are not in sync: ${names(behind)}`,
        `${start} One that runs and does not catch up has a slow disk or network.`,
      ),
    )
  if (verdicts.length > 0) return verdicts
  return all.length === 0
    ? skipped('there is no partition that the gateway may see')
    : ok(`${all.length}, all in sync`)
}

export function uncleanVerdict({ configs: ofTopics }: Topics, configs: BrokersConfigs): Verdict {
  const name = 'unclean.leader.election.enable'
  const fix = `Set ${name}=false: what is away comes back with all that was told to be written.`
  const brokers = [...configs].filter(([, one]) => one.get(name) === 'true').map(([node]) => String(node))
  const topics = [...ofTopics].filter(([, one]) => one.get(name) === 'true').map(([topic]) => topic)
  if (brokers.length + topics.length > 0) {
    const where = [
      brokers.length > 0 && `brokers ${listed(brokers)}`,
      topics.length > 0 && `topics ${listed(topics)}`,
    ].filter((one) => one !== false)
    return warning(
      `${name} is true (${where.join('; ')}): records that were told to be written are lost when a replica leads that lacks them`,
      fix,
    )
  }
  return configs.size + ofTopics.size === 0 ? untold(name) : ok('off')
}

export function autoCreateVerdict(configs: BrokersConfigs): Verdict {
  const name = 'auto.create.topics.enable'
  const values = [...configs.values()].flatMap((one) => (one.has(name) ? [one.get(name)] : []))
  if (values.length === 0) return untold(name)
  if (!values.includes('true')) return ok('off')
  return warning(
    `${name} is true: clients of other kinds make a topic of every name they misspell`,
    `Set ${name}=false in server.properties of all brokers.`,
  )
}
