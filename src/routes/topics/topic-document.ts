import { z } from 'zod'
import type { TopicDescription } from '../../kafka/admin/topics/describe-topic.ts'
import { configSources } from '../../kafka/admin/configs/config-entry.ts'
import type { PartitionInfo } from '../../kafka/cluster.ts'
import { TopicName } from '../route.ts'

const offset = z.int().nonnegative().nullable()

const Partition = z
  .strictObject({
    partition: z.int().nonnegative(),
    leader: z
      .int()
      .nonnegative()
      .nullable()
      .describe('Node id of the leader; null while the partition has none.'),
    replicas: z.array(z.int()).describe('Node ids of the brokers that hold it, the preferred leader first.'),
    isr: z.array(z.int()).describe('Node ids of the replicas in sync.'),
    offlineReplicas: z.array(z.int()).describe('Node ids of the replicas whose broker or disk is gone.'),
    underReplicated: z.boolean().describe('Whether a replica is not in sync.'),
    offline: z.boolean().describe('Whether it has no leader: it can neither be read nor written.'),
    earliestOffset: offset.describe('Offset of the first record; null while no leader answers.'),
    latestOffset: offset.describe('Offset the next record will get; null while no leader answers.'),
    sizeBytes: z
      .int()
      .nonnegative()
      .nullable()
      .describe(
        "Bytes of its log on the leader's disk; null while no leader answers, or where Kafka does not let the gateway see it.",
      ),
  })
  .meta({ id: 'Partition' })

const Config = z
  .strictObject({
    name: z.string(),
    value: z.string().nullable().describe('Null where it is sensitive or not set.'),
    source: z
      .enum(configSources)
      .describe(
        'Where the value comes from: set on the `topic`; on one `broker` while it runs; on the `cluster` while it runs; in the ' +
          "brokers' configuration `file`; Kafka's own `default`.",
      ),
    default: z.boolean().describe("Whether it is Kafka's own default."),
    readOnly: z.boolean(),
    sensitive: z.boolean(),
  })
  .meta({ id: 'TopicConfig' })

export const Configs = z
  .array(Config)
  .nullable()
  .describe('Sorted by name. Null where Kafka does not let the gateway see them.')

export const exampleTopicConfig = {
  name: 'retention.ms',
  value: '604800000',
  source: 'topic' as const,
  default: false,
  readOnly: false,
  sensitive: false,
}

/** A topic, described. */
export const Topic = z
  .strictObject({
    name: TopicName,
    id: z.uuid().describe('Tells the topic from a later one of the same name.'),
    internal: z.boolean().describe('Whether it belongs to Kafka itself.'),
    partitions: z.array(Partition).describe('By partition number.'),
    replicationFactor: z.int().positive(),
    configs: Configs,
  })
  .meta({
    id: 'Topic',
    example: {
      name: 'orders',
      id: '0f8fad5b-d9cb-469f-a165-70867728950e',
      internal: false,
      partitions: [
        {
          partition: 0,
          leader: 1,
          replicas: [1, 2, 3],
          isr: [1, 2, 3],
          offlineReplicas: [],
          underReplicated: false,
          offline: false,
          earliestOffset: 0,
          latestOffset: 4_711,
          sizeBytes: 1_048_576,
        },
      ],
      replicationFactor: 3,
      configs: [exampleTopicConfig],
    },
  })

export function toTopicDocument(topic: TopicDescription): z.input<typeof Topic> {
  return {
    name: topic.name,
    id: topic.id,
    internal: topic.internal,
    partitions: topic.partitions.map(({ partition, leader, replicas, isr, offline, bounds, size }) => ({
      partition,
      leader: leader < 0 ? null : leader,
      replicas: [...replicas],
      isr: [...isr],
      offlineReplicas: [...offline],
      underReplicated: isUnderReplicated({ replicas, isr }),
      offline: leader < 0,
      earliestOffset: bounds?.earliest ?? null,
      latestOffset: bounds?.latest ?? null,
      sizeBytes: size ?? null,
    })),
    replicationFactor: replicationFactorOf(topic),
    configs: toConfigsDocument(topic.configs),
  }
}

export function toConfigsDocument(configs: TopicDescription['configs']): z.input<typeof Configs> {
  return configs && configs.map((config) => ({ ...config }))
}

/** Of the first partition: Kafka makes all alike, and they differ only during a reassignment. */
export function replicationFactorOf(topic: {
  readonly partitions: readonly { readonly replicas: readonly number[] }[]
}): number {
  return topic.partitions[0]?.replicas.length ?? 0
}

export function isUnderReplicated({ replicas, isr }: Pick<PartitionInfo, 'replicas' | 'isr'>): boolean {
  return isr.length < replicas.length
}
