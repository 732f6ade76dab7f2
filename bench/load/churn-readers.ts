import { Consumer } from '@platformatic/kafka'
import type { Cluster } from '../../src/kafka/cluster.ts'
import { GroupMember } from '../../src/kafka/group/member.ts'
import { RecordReader } from '../../src/kafka/record-reader.ts'

/** Milliseconds between two commits of a reader. */
const COMMIT_MS = 100
const timeouts = { session: 10_000, rebalance: 30_000, fetch: 20 }

export interface ChurnReaderOptions {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly groupId: string
  readonly heartbeatMs: number
}

/** Joins a group and reads until stopped; resolves once it has joined. */
export type ChurnReader = (
  options: ChurnReaderOptions,
  saw: (partition: number, offset: number, timestamp: number) => void,
) => Promise<{ stop(): Promise<void> }>

/** The gateway's member and its reader, as a WebSocket uses them. */
export function gatewayReader(cluster: Cluster): ChurnReader {
  return async ({ topic, groupId, heartbeatMs }, saw) => {
    const reader = new RecordReader(cluster, { isolation: 'read_uncommitted', maxWaitMs: timeouts.fetch })
    const { id: topicId } = (await cluster.topic(topic))!
    const positions = new Map<number, number>()
    const commit = async (partitions: Iterable<number> = positions.keys()) => {
      const offsets = [...partitions].map((partition) => ({
        topic,
        partition,
        offset: positions.get(partition)!,
      }))
      // A partition taken meanwhile is committed by nobody: its records come again.
      await member.commit(offsets).catch(() => {})
    }
    const drop = (partitions: readonly { partition: number }[]) => {
      for (const { partition } of partitions) positions.delete(partition)
    }
    const member = new GroupMember(
      cluster,
      {
        groupId,
        topics: [topic],
        heartbeatMs,
        sessionTimeoutMs: timeouts.session,
        rebalanceTimeoutMs: timeouts.rebalance,
      },
      {
        assigned(partitions) {
          for (const { partition, committed = 0 } of partitions) positions.set(partition, committed)
          reader.assign(
            partitions.map(({ partition, committed = 0 }) => ({
              topic,
              topicId,
              partition,
              offset: committed,
            })),
          )
        },
        async revoked(partitions) {
          reader.unassign(partitions)
          await commit(partitions.map(({ partition }) => partition))
          drop(partitions)
        },
        lost(partitions) {
          reader.unassign(partitions)
          drop(partitions)
        },
        failed(problem) {
          throw problem
        },
      },
      { debug: () => {}, warn: () => {} },
    )
    await member.start()
    const timer = setInterval(() => void commit(), COMMIT_MS)
    const reading = (async () => {
      for (;;) {
        const events = await reader.next()
        if (events.length === 0) return
        for (const event of events) {
          if (event.kind !== 'records' || !positions.has(event.partition)) continue
          for (const { offset, timestamp } of event.records) saw(event.partition, offset, Number(timestamp))
          positions.set(event.partition, event.nextOffset)
        }
      }
    })()
    return {
      async stop() {
        clearInterval(timer)
        reader.close()
        await reading
        await commit()
        await member.leave()
      },
    }
  }
}

/** The Kafka client's own consumer, with the same assignor, intervals and bounds. */
export const clientReader: ChurnReader = async ({ brokers, topic, groupId, heartbeatMs }, saw) => {
  const consumer = new Consumer({
    clientId: 'sluice-bench',
    groupId,
    bootstrapBrokers: [...brokers],
    protocols: [{ name: 'cooperative-sticky', version: 3 }],
    heartbeatInterval: heartbeatMs,
    sessionTimeout: timeouts.session,
    rebalanceTimeout: timeouts.rebalance,
    autocommit: COMMIT_MS,
    maxBytes: 1_048_576,
    maxWaitTime: timeouts.fetch,
    // What a stream that gives up costs is part of what is compared; these let it try as long as it can.
    retries: true,
  })
  consumer.on('error', () => {})
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  stream.on('error', () => {})
  stream.on('data', ({ partition, offset, timestamp }) => saw(partition, Number(offset), Number(timestamp)))
  return { stop: () => consumer.close(true) }
}
