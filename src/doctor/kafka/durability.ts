import { isInternalTopic, SECRETS_TOPIC } from '../../internal-topics.ts'
import type { Configs } from '../../kafka/survey/configs.ts'
import type { SeenTopic } from '../../kafka/survey/seen-topics.ts'
import { counted, listed, ok, problem, skipped, type Verdict, type Verdicts, warning } from '../finding.ts'
import { ENOUGH_BROKERS } from './brokers.ts'
import { type BrokersConfigs, greatest, least, untold } from './limits.ts'

/** Topics whose configs are looked at; of more, only where their replicas are. */
export const MOST_TOPICS = 1_000
/** The configs of topics that are looked at. */
export const topicConfigNames = ['min.insync.replicas', 'unclean.leader.election.enable'] as const

/** What is known of topics: their partitions, and of some of them their configs. */
export interface Topics {
  readonly seen: readonly SeenTopic[]
  readonly configs: ReadonlyMap<string, Configs>
}

/** Replicas that keep a record, and how many must have it before it counts, with so many brokers. */
function wanted(brokers: number): { readonly replicas: number; readonly inSync: number } {
  return { replicas: Math.min(ENOUGH_BROKERS, brokers), inSync: brokers >= ENOUGH_BROKERS ? 2 : 1 }
}

/** What a topic gets that says neither. */
export function newTopicsVerdicts(configs: BrokersConfigs, brokers: number): Verdicts {
  const replicas = least(configs, 'default.replication.factor')
  const inSync = greatest(configs, 'min.insync.replicas')
  const leastInSync = least(configs, 'min.insync.replicas')
  if (replicas === undefined || inSync === undefined || leastInSync === undefined)
    return untold('default.replication.factor and min.insync.replicas')
  const want = wanted(brokers)
  const [ofReplicas, ofInSync] = [
    `default.replication.factor is ${replicas}`,
    `min.insync.replicas is ${inSync}`,
  ]
  const set = (name: string, value: number) =>
    `Set ${name}=${value} at all brokers (server.properties, or \`kafka-configs.sh --alter --entity-type brokers --entity-default\`).`
  if (replicas > brokers)
    return problem(
      `${ofReplicas}, with ${brokers} brokers: no topic can be made that does not say how many it wants`,
      set('default.replication.factor', want.replicas),
    )
  if (inSync > replicas)
    return problem(
      `${ofInSync}, ${ofReplicas}: nothing can be written to topics that say neither`,
      set('min.insync.replicas', want.inSync),
    )
  const verdicts: Verdict[] = []
  if (replicas < want.replicas)
    verdicts.push(
      warning(
        `${ofReplicas}: topics that do not say how many they want are lost with ${replicas === 1 ? 'one broker' : `${replicas} brokers`}`,
        `Set default.replication.factor=${want.replicas} in server.properties of all brokers, or say \`replicationFactor\` with each topic.`,
      ),
    )
  if (leastInSync < want.inSync)
    verdicts.push(
      warning(
        `min.insync.replicas is ${leastInSync}: a record may be told to be written that one broker alone has`,
        set('min.insync.replicas', want.inSync),
      ),
    )
  else if (inSync === replicas && replicas > 1)
    verdicts.push(
      warning(
        `${ofInSync}, as many as there are replicas: nothing can be written while one broker is away`,
        set('min.insync.replicas', Math.max(1, replicas - 1)),
      ),
    )
  return verdicts.length > 0 ? verdicts : ok(`${ofReplicas}, ${ofInSync}`)
}

/** The topics that Kafka and the gateway need themselves, or what they will be like where nothing has needed them yet. */
export function kafkaTopicsVerdicts(topics: Topics, configs: BrokersConfigs, brokers: number): Verdicts {
  const own = [
    {
      name: '__consumer_offsets',
      config: 'offsets.topic.replication.factor',
      breaks: 'no group can be used',
    },
    {
      name: '__transaction_state',
      config: 'transaction.state.log.replication.factor',
      breaks: 'no transaction can be made',
    },
    { name: SECRETS_TOPIC, config: undefined, breaks: '' },
  ] as const
  const want = wanted(brokers)
  const verdicts = own.flatMap(({ name, config, breaks }): Verdict[] => {
    const topic = topics.seen.find((one) => one.name === name)
    if (topic !== undefined)
      return keptVerdicts([topic], topics.configs, brokers).map((verdict) => ({ ...verdict, subject: name }))
    const replicas = config && least(configs, config)
    if (replicas === undefined) return []
    if (replicas > brokers)
      return [
        problem(
          `it will have ${replicas} replicas, with ${counted(brokers, 'broker')}: ${breaks}`,
          `Set ${config}=${want.replicas} in server.properties of all brokers.`,
          name,
        ),
      ]
    if (replicas < want.replicas)
      return [
        warning(
          `it will have ${counted(replicas, 'replica')}`,
          `Set ${config}=${want.replicas} in server.properties of all brokers before it is made.`,
          name,
        ),
      ]
    return []
  })
  return verdicts.length > 0 ? verdicts : ok('replicated as far as the brokers allow')
}

export function topicsVerdicts(topics: Topics, brokers: number): Verdicts {
  const users = topics.seen.filter(({ name, internal }) => !internal && !isInternalTopic(name))
  if (users.length === 0) return skipped('there is no topic that the gateway may see')
  const verdicts = keptVerdicts(users, topics.configs, brokers)
  const told = users.filter(({ name }) => topics.configs.has(name)).length
  const rest = told < users.length ? `; configs of ${told} of them were looked at` : ''
  const all = `${counted(users.length, 'topic')}${rest}`
  return verdicts.length > 0 ? verdicts : ok(all)
}

/** Topics that can't keep what they are told, by what they lack. */
function keptVerdicts(topics: readonly SeenTopic[], configs: Topics['configs'], brokers: number): Verdict[] {
  const want = wanted(brokers)
  const facts = topics.map(({ name, partitions }) => ({
    name,
    replicas: Math.min(...partitions.map((partition) => partition.replicas.length)),
    inSync: inSyncOf(configs.get(name)),
  }))
  const such = (fits: (fact: { replicas: number; inSync: number }) => boolean) =>
    facts.filter(({ replicas, inSync }) => fits({ replicas, inSync: inSync ?? NaN })).map(({ name }) => name)
  const set = (value: number) => `\`sluice topics alter TOPIC -c min.insync.replicas=${value}\`.`
  const says = (names: readonly string[], what: string) =>
    topics.length === 1 ? what : `${names.length} of ${topics.length} ${what}: ${listed(names)}`
  const [blocked, few, weak, brittle] = [
    such(({ replicas, inSync }) => inSync > replicas),
    such(({ replicas }) => replicas < want.replicas),
    such(({ replicas, inSync }) => inSync < want.inSync && replicas >= want.inSync),
    such(({ replicas, inSync }) => inSync === replicas && replicas > 1),
  ]
  const verdicts: Verdict[] = []
  if (blocked.length > 0)
    verdicts.push(
      problem(
        says(blocked, 'with min.insync.replicas above the number of replicas, where nothing can be written'),
        set(want.inSync),
      ),
    )
  if (few.length > 0)
    verdicts.push(
      warning(
        says(few, `with fewer than ${want.replicas} replicas`),
        'Move what must not be lost to more brokers with `sluice cluster reassign`, or kafka-reassign-partitions.sh.',
      ),
    )
  if (weak.length > 0)
    verdicts.push(
      warning(
        says(
          weak,
          `with min.insync.replicas below ${want.inSync}, where a record may be told to be written that one broker alone has`,
        ),
        set(want.inSync),
      ),
    )
  if (brittle.length > 0)
    verdicts.push(
      warning(
        says(
          brittle,
          'with min.insync.replicas as high as the number of replicas, where nothing can be written while one broker is away',
        ),
        set(want.inSync),
      ),
    )
  return verdicts
}

/** Undefined where it was not looked at, or may not be seen. */
export function inSyncOf(configs: Configs | undefined): number | undefined {
  const value = configs?.get('min.insync.replicas')
  return value === undefined ? undefined : Number(value)
}
