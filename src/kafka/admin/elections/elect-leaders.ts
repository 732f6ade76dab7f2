import { Problem } from '../../../problems/problem.ts'
import { isInternalTopic } from '../../../internal-topics.ts'
import type { Cluster, PartitionInfo, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { electLeaders, ElectionType, electPreferredLeaders } from '../../wire/reassignment-apis.ts'
import { registrations } from '../cluster/brokers.ts'
import { changeCluster } from '../controller-call.ts'
import { POLL_MS, SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'
import {
  byPartition,
  byTopic,
  partitionIn,
  partitionKey,
  type PartitionName,
  topicIn,
  type TopicMap,
  topicMap,
} from '../topic-partitions.ts'

/** Whose leaders are elected; of all topics but the internal ones where nothing is said. */
export interface ElectionRequest {
  readonly type: keyof typeof ElectionType
  readonly topics?: readonly string[] | undefined
  readonly partitions?: readonly PartitionName[] | undefined
  readonly dryRun: boolean
}

export interface ElectionResult extends PartitionName {
  /** Node ids, null where there is no leader. */
  readonly leaderBefore: number | null
  readonly leader: number | null
  /** Why there was no election where one was needed. */
  readonly error?: Problem
}

interface Candidate extends PartitionName {
  readonly info: PartitionInfo
  /** Who would lead; undefined where nobody can. */
  readonly next: number | undefined
}

/**
 * Elects leaders anew: the first of a partition's replicas (`preferred`), or, where there is no leader, any that is in
 * service, whatever it lacks (`unclean`). A partition that needs no election keeps its leader.
 * @returns the partitions that were named; of all topics, only those that need it
 * @throws Problem topic_not_found, partition_not_found, internal_topic, kafka_authorization, kafka_unavailable,
 *   kafka_auth_failed
 */
export async function electAnew(cluster: Cluster, request: ElectionRequest): Promise<ElectionResult[]> {
  const deadline = new Deadline(TIMEOUT_MS)
  const alive = new Set(
    (await registrations(cluster, deadline)).filter(({ fenced }) => !fenced).map(({ broker }) => broker),
  )
  const candidates = candidatesOf(request, await topicMap(cluster, deadline), alive)
  const needed = candidates.filter((candidate) => needsElection(request.type, candidate))
  const errors = new Map<string, Problem>()
  for (const candidate of needed) {
    if (candidate.next === undefined) errors.set(partitionKey(candidate), new Problem('leader_unavailable'))
  }
  const called = needed.filter((candidate) => candidate.next !== undefined)
  let leaders = new Map(called.map((candidate) => [partitionKey(candidate), candidate.next]))
  if (!request.dryRun && called.length > 0) {
    for (const [key, problem] of await elect(cluster, request.type, called, deadline))
      errors.set(key, problem)
    const elected = called.filter((candidate) => !errors.has(partitionKey(candidate)))
    leaders = await newLeaders(cluster, elected, deadline.slice(SETTLE_MS))
  }
  return candidates.map((candidate) => {
    const { topic, partition, info } = candidate
    const before = info.leader < 0 ? null : info.leader
    const error = errors.get(partitionKey(candidate))
    const leader = leaders.get(partitionKey(candidate)) ?? before
    return { topic, partition, leaderBefore: before, leader, ...(error === undefined ? {} : { error }) }
  })
}

function needsElection(type: ElectionRequest['type'], { info }: Candidate): boolean {
  return type === 'preferred' ? info.leader !== info.replicas[0] : info.leader < 0
}

function candidatesOf(
  request: ElectionRequest,
  topics: TopicMap,
  inService: ReadonlySet<number>,
): Candidate[] {
  const { type, topics: names, partitions } = request
  const isAll = names === undefined && partitions === undefined
  const candidates = namedBy(request, topics).map(({ topic, partition }): Candidate => {
    const info = topics.get(topic)!.partitions[partition]!
    const may = (node: number) => inService.has(node) && (type === 'unclean' || info.isr.includes(node))
    const next = (type === 'preferred' ? info.replicas.slice(0, 1) : info.replicas).find(may)
    return { topic, partition, info, next }
  })
  return isAll ? candidates.filter((candidate) => needsElection(type, candidate)) : candidates
}

/** @throws Problem topic_not_found, partition_not_found, internal_topic */
function namedBy({ topics: names, partitions }: ElectionRequest, topics: TopicMap): PartitionName[] {
  const named = new Map<string, PartitionName>()
  const add = (name: PartitionName) => named.set(partitionKey(name), name)
  const addAll = (info: TopicInfo) => {
    for (const { partition } of info.partitions) add({ topic: info.name, partition })
  }
  for (const [i, name] of (names ?? []).entries()) addAll(topicIn(topics, name, `/topics/${i}`))
  for (const [i, name] of (partitions ?? []).entries()) {
    partitionIn(topics, name, `/partitions/${i}`)
    add(name)
  }
  if (names === undefined && partitions === undefined) {
    for (const info of topics.values()) if (!info.internal && !isInternalTopic(info.name)) addAll(info)
  }
  return [...named.values()].sort(byPartition)
}

/** Kafka takes 10,000 at once; so few leave time for each call. */
const SLICE = 1_000

/** @returns why there was none, by partition */
async function elect(
  cluster: Cluster,
  type: keyof typeof ElectionType,
  candidates: readonly Candidate[],
  deadline: Deadline,
): Promise<Map<string, Problem>> {
  const errors = new Map<string, Problem>()
  for (let i = 0; i < candidates.length; i += SLICE) {
    const slice = candidates.slice(i, i + SLICE)
    try {
      for (const [key, problem] of await electSlice(cluster, type, slice, deadline)) errors.set(key, problem)
    } catch (error) {
      // Leaders of earlier slices have changed: that is told, and of these why they have not.
      if (i === 0 || !(error instanceof Problem)) throw error
      for (const candidate of slice) errors.set(partitionKey(candidate), error)
    }
  }
  return errors
}

/** @throws Problem */
async function electSlice(
  cluster: Cluster,
  type: keyof typeof ElectionType,
  candidates: readonly Candidate[],
  deadline: Deadline,
): Promise<Map<string, Problem>> {
  const topics = byTopic(candidates).map(([name, of]) => ({ name, partitions: of.map((c) => c.partition) }))
  const api = type === 'preferred' ? electPreferredLeaders : electLeaders
  const { answer } = await changeCluster(cluster, deadline, (connection, timeoutMs) =>
    connection.call(api, ElectionType[type], topics, timeoutMs),
  )
  if (answer.errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(answer.errorCode)
  const errors = new Map<string, Problem>()
  for (const { name: topic, partitions } of answer.results) {
    for (const { partitionIndex: partition, errorCode, errorMessage } of partitions) {
      if (errorCode === KafkaCode.NONE || errorCode === KafkaCode.ELECTION_NOT_NEEDED) continue
      errors.set(partitionKey({ topic, partition }), problemFromKafkaCode(errorCode, undefined, errorMessage))
    }
  }
  return errors
}

/** Waits until metadata shows the leaders elected, and tells who they are; bounded, and never an error. */
async function newLeaders(
  cluster: Cluster,
  elected: readonly Candidate[],
  settle: Deadline,
): Promise<Map<string, number>> {
  const leaders = new Map<string, number>()
  const waiting = new Map(elected.map((candidate) => [partitionKey(candidate), candidate]))
  try {
    while (waiting.size > 0 && !settle.passed) {
      const topics = await topicMap(cluster, settle)
      for (const [key, { topic, partition, info }] of waiting) {
        const leader = topics.get(topic)?.partitions[partition]?.leader ?? -1
        if (leader < 0 || leader === info.leader) continue
        leaders.set(key, leader)
        waiting.delete(key)
      }
      if (waiting.size > 0) await settle.pause(POLL_MS)
    }
  } catch {
    // They were elected; only to see it failed.
  }
  for (const [key, { next }] of waiting) if (next !== undefined) leaders.set(key, next)
  return leaders
}
