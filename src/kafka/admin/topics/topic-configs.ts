import type { ConfigAnswer } from '../../wire/config-apis.ts'
import { type ConfigEntry, toConfigEntries } from '../configs/config-entry.ts'
import { refusedName } from '../configs/refused-name.ts'

/** One config of a topic, in force. */
export type TopicConfig = Omit<ConfigEntry, 'type' | 'origins'>

export function toTopicConfigs(answers: readonly ConfigAnswer[]): TopicConfig[] {
  return toConfigEntries(answers).map(({ type: _type, origins: _origins, ...config }) => config)
}

const bool = 'true or false'
const int = (min: number) => `an integer of at least ${min}`
const throttled = '* or a list of partition:broker pairs'

/**
 * What the configs of Kafka 4.3 take (its `LogConfig`), to tell a caller what was wrong. Kafka alone judges: an older or
 * newer broker knows other names and bounds.
 */
const expectations: Record<string, string> = {
  'cleanup.policy': 'delete, compact, or both separated by a comma',
  'compression.gzip.level': '-1 or an integer from 1 to 9',
  'compression.lz4.level': 'an integer from 1 to 17',
  'compression.type': 'uncompressed, producer, gzip, snappy, lz4 or zstd',
  'compression.zstd.level': 'an integer from -131072 to 22',
  'delete.retention.ms': int(0),
  'errors.deadletterqueue.group.enable': bool,
  'file.delete.delay.ms': int(0),
  'flush.messages': int(1),
  'flush.ms': int(0),
  'follower.replication.throttled.replicas': throttled,
  'index.interval.bytes': int(0),
  'leader.replication.throttled.replicas': throttled,
  'local.retention.bytes': int(-2),
  'local.retention.ms': int(-2),
  'max.compaction.lag.ms': int(1),
  'max.message.bytes': int(0),
  'message.timestamp.after.max.ms': int(0),
  'message.timestamp.before.max.ms': int(0),
  'message.timestamp.type': 'CreateTime or LogAppendTime',
  'min.cleanable.dirty.ratio': 'a number from 0 to 1',
  'min.compaction.lag.ms': int(0),
  'min.insync.replicas': int(1),
  preallocate: bool,
  'remote.log.copy.disable': bool,
  'remote.log.delete.on.disable': bool,
  'remote.storage.enable': `${bool}, and true only where the brokers have tiered storage`,
  'retention.bytes': int(-1),
  'retention.ms': int(-1),
  'segment.bytes': int(1_048_576),
  'segment.index.bytes': int(4),
  'segment.jitter.ms': int(0),
  'segment.ms': int(1),
  'unclean.leader.election.enable': bool,
}

/**
 * Which of the given configs Kafka refused, and why. The broker's sentence is only searched for their names and never
 * handed on: its wording changes between versions and may hold addresses.
 */
export function refusedConfig(
  names: readonly string[],
  brokerText: string | null,
): { config?: string; reason: string } {
  const text = brokerText ?? ''
  const notList = /^Can't (?:APPEND|SUBTRACT) to key (.*) because its type is not LIST/s.exec(text)?.[1]
  if (notList !== undefined && names.includes(notList)) {
    return { config: notList, reason: 'not a list, so it is set as a whole' }
  }
  const unknown = /^Unknown topic config name: ?(.*)$/s.exec(text)?.[1]
  if (unknown !== undefined && names.includes(unknown)) {
    return { config: unknown, reason: 'Kafka has no topic config of this name' }
  }
  const config = refusedName(names, brokerText)
  if (config === undefined) return { reason: 'Kafka refused one of these' }
  const expected = expectations[config]
  return { config, reason: expected === undefined ? 'not a value Kafka takes' : `expected ${expected}` }
}
