import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { listPartitionReassignments } from '../../wire/reassignment-apis.ts'
import { logDirsAt, type LogDirList } from '../cluster/log-dirs.ts'
import { changeCluster } from '../controller-call.ts'
import { SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import { byPartition, byTopic, partitionKey, type PartitionName, topicMap } from '../topic-partitions.ts'

/** A partition whose replicas are on their way elsewhere. Node ids, the preferred leader first. */
export interface Moving extends PartitionName {
  /** All that there are now, old and new. */
  readonly replicas: readonly number[]
  /** Those there will be. */
  readonly target: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
}

export interface Reassignment extends Moving {
  readonly isr: readonly number[]
  /** Size of the leader's log; null where it does not answer. */
  readonly leaderBytes: number | null
  /** Sizes of the logs of all replicas that are added; null where one does not answer. */
  readonly copiedBytes: number | null
}

export interface ReassignmentList {
  readonly reassignments: readonly Reassignment[]
  readonly unanswered: readonly number[]
}

/** Which of the reassignments in progress are meant; all, where nothing is said. */
export interface ReassignmentFilter {
  readonly topic?: string | undefined
  readonly partition?: number | undefined
}

/**
 * The reassignments in progress, and how far each is.
 * @throws Problem kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function listReassignments(
  cluster: Cluster,
  filter: ReassignmentFilter,
): Promise<ReassignmentList> {
  const deadline = new Deadline(TIMEOUT_MS)
  const moving = (await movingPartitions(cluster, deadline)).filter((m) => fits(m, filter))
  if (moving.length === 0) return { reassignments: [], unanswered: [] }
  const topics = await topicMap(cluster, deadline)
  const infoOf = ({ topic, partition }: PartitionName) => topics.get(topic)?.partitions[partition]
  const wanted = byTopic(moving).map(([name, of]) => ({ name, partitions: of.map((m) => m.partition) }))
  const nodes = moving.flatMap((m) => [infoOf(m)?.leader ?? -1, ...m.adding]).filter((node) => node >= 0)
  const logs = await logDirsAt(cluster, nodes, wanted, deadline.slice(SETTLE_MS))
  const sizes = sizesOf(logs)
  const reassignments = moving.map((m): Reassignment => {
    const info = infoOf(m)
    const sizeAt = (node: number) => sizes.get(`${node} ${partitionKey(m)}`)
    // A broker that answers without the log has not begun.
    const copied = m.adding.map((node) => sizeAt(node) ?? (logs.unanswered.includes(node) ? null : 0))
    return {
      ...m,
      isr: info?.isr ?? [],
      leaderBytes: info === undefined ? null : (sizeAt(info.leader) ?? null),
      copiedBytes: copied.includes(null) ? null : copied.reduce<number>((sum, size) => sum + size!, 0),
    }
  })
  return { reassignments, unanswered: logs.unanswered }
}

export function fits(name: PartitionName, { topic, partition }: ReassignmentFilter): boolean {
  return (topic ?? name.topic) === name.topic && (partition ?? name.partition) === name.partition
}

/** What the controller has in progress, by topic and partition. @throws as listReassignments() */
export async function movingPartitions(cluster: Cluster, deadline: Deadline): Promise<Moving[]> {
  await deadline.within(cluster.ping())
  const { answer } = await changeCluster(cluster, deadline, (connection, timeoutMs) =>
    connection.call(listPartitionReassignments, timeoutMs, null),
  )
  if (answer.errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(answer.errorCode)
  const moving = answer.topics.flatMap(({ name: topic, partitions }) =>
    partitions.map((p) => ({
      topic,
      partition: p.partitionIndex,
      replicas: p.replicas,
      target: p.replicas.filter((node) => !p.removingReplicas.includes(node)),
      adding: p.addingReplicas,
      removing: p.removingReplicas,
    })),
  )
  return moving.sort(byPartition)
}

function sizesOf({ logDirs }: LogDirList): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const { broker, replicas } of logDirs) {
    for (const replica of replicas) {
      if (!replica.future) sizes.set(`${broker} ${partitionKey(replica)}`, replica.sizeBytes)
    }
  }
  return sizes
}
