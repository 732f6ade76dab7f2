import { z } from 'zod'
import type { LogDir as LogDirFacts } from '../../kafka/admin/cluster/log-dirs.ts'
import { parseQuery, type AppContext, checkTopicName, TopicName } from '../route.ts'
import { NodeId } from './node-id.ts'

const bytes = z.int().nonnegative()

export const exampleLogDir = {
  broker: 1,
  path: '/var/lib/kafka/data',
  offline: false,
  totalBytes: 512110190592,
  usableBytes: 401223581696,
  partitions: [{ topic: 'orders', partition: 0, sizeBytes: 1048576, lag: 0, future: false }],
}

export const LogDir = z
  .strictObject({
    broker: NodeId,
    path: z.string(),
    offline: z.boolean().describe('The disk failed: what is on it cannot be told.'),
    totalBytes: bytes.nullable().describe('Of the volume it is on; null where Kafka does not tell.'),
    usableBytes: bytes.nullable().describe('Of that volume, still free.'),
    partitions: z
      .array(
        z
          .strictObject({
            topic: z.string(),
            partition: z.int().nonnegative(),
            sizeBytes: bytes,
            lag: z
              .int()
              .describe(
                'Records behind: the high watermark, or where it is a future replica, the one it replaces.',
              ),
            future: z
              .boolean()
              .describe('Whether it is being copied here from another folder of the broker.'),
          })
          .meta({ id: 'ReplicaLog' }),
      )
      .describe('The replicas in it, by topic and partition.'),
  })
  .meta({
    id: 'LogDir',
    example: exampleLogDir,
  })

export const Query = z.strictObject({
  topic: TopicName.optional().describe('Only the replicas of this topic.'),
})

/** The `topic` of the query. @throws Problem invalid_parameter, internal_topic */
export function topicOf(c: AppContext): string | undefined {
  const { topic } = parseQuery(Query, c)
  return topic === undefined ? undefined : checkTopicName(topic)
}

export function toLogDirDocuments(dirs: readonly LogDirFacts[]): z.input<typeof LogDir>[] {
  return dirs.map(({ replicas, ...dir }) => ({ ...dir, partitions: [...replicas] }))
}
