import { Problem, type ProblemPart } from '../../../problems/problem.ts'
import type { Registration } from '../cluster/brokers.ts'
import { partitionIn, partitionKey, topicIn, type PartitionName, type TopicMap } from '../topic-partitions.ts'
import { planReplicas } from './plan.ts'

export interface Assignment extends PartitionName {
  /** Node ids, the preferred leader first. */
  readonly replicas: readonly number[]
}

/** Where replicas shall be: said for each partition, or for whole topics, to be planned. */
export type ReassignmentRequest =
  | { readonly assignments: readonly Assignment[] }
  | {
      readonly topics: readonly string[]
      /** Which brokers may hold them; all in service by default. */
      readonly brokers?: readonly number[] | undefined
      readonly replicationFactor?: number | undefined
    }

/** One partition, where its replicas are and shall be. */
export interface Step extends PartitionName {
  readonly from: readonly number[]
  readonly to: readonly number[]
}

/** Most partitions of one request: a plan takes the process a second, and Kafka takes 10000 changes at once. */
export const MAX_PARTITIONS = 1_000

/**
 * The steps of a request, each checked: Kafka itself takes a broker that is out of service, and waits for it for ever.
 * @throws Problem topic_not_found, partition_not_found, internal_topic, invalid_assignment, invalid_request
 */
export function stepsOf(
  request: ReassignmentRequest,
  topics: TopicMap,
  brokers: readonly Registration[],
): Step[] {
  const alive = brokers.filter(({ fenced }) => !fenced)
  return 'assignments' in request
    ? explicitSteps(request.assignments, topics, brokers)
    : plannedSteps(request, topics, brokers, alive)
}

function explicitSteps(
  assignments: readonly Assignment[],
  topics: TopicMap,
  brokers: readonly Registration[],
): Step[] {
  const errors: ProblemPart[] = []
  const seen = new Set<string>()
  const steps = assignments.map((assignment, i): Step => {
    const { topic, partition, replicas: to } = assignment
    const { replicas: from } = partitionIn(topics, assignment, `/assignments/${i}`)
    const key = partitionKey(assignment)
    if (seen.has(key)) {
      errors.push({ pointer: `/assignments/${i}`, reason: `${topic} ${partition} is there more than once` })
    }
    seen.add(key)
    errors.push(...wrongBrokers(to, brokers, `/assignments/${i}/replicas`))
    return { topic, partition, from, to }
  })
  refuse(errors)
  return steps
}

function plannedSteps(
  request: Extract<ReassignmentRequest, { topics: unknown }>,
  topics: TopicMap,
  brokers: readonly Registration[],
  alive: readonly Registration[],
): Step[] {
  const { replicationFactor } = request
  const names = new Set(request.topics)
  const partitions = [...names].flatMap((name, i) =>
    topicIn(topics, name, `/topics/${i}`).partitions.map(({ partition, replicas }) => ({
      topic: name,
      partition,
      replicas,
    })),
  )
  if (partitions.length > MAX_PARTITIONS) {
    const reason = `these topics have ${partitions.length} partitions; one request may plan ${MAX_PARTITIONS}`
    throw new Problem('invalid_request', {
      detail: `/topics: ${reason}.`,
      errors: [{ pointer: '/topics', reason }],
    })
  }
  refuse(wrongBrokers(request.brokers ?? [], brokers, '/brokers'))
  const wanted = request.brokers && new Set(request.brokers)
  const targets = alive.filter(({ broker }) => wanted?.has(broker) ?? true)
  const factor = replicationFactor ?? Math.max(0, ...partitions.map(({ replicas }) => replicas.length))
  if (factor > targets.length) {
    const pointer = replicationFactor === undefined ? '/brokers' : '/replicationFactor'
    refuse([{ pointer, reason: `${factor} replicas need as many brokers; there are ${targets.length}` }])
  }
  const plan = planReplicas(
    partitions,
    targets.map(({ broker: id, rack }) => ({ id, rack })),
    replicationFactor,
  )
  return partitions.map(({ topic, partition, replicas: from }, i) => ({
    topic,
    partition,
    from,
    to: plan[i]!,
  }))
}

/** What is wrong with a list of brokers. */
function wrongBrokers(
  nodes: readonly number[],
  brokers: readonly Registration[],
  pointer: string,
): ProblemPart[] {
  const known = new Map(brokers.map((registration) => [registration.broker, registration]))
  return nodes.flatMap((node, i): ProblemPart[] => {
    const found = known.get(node)
    const at = `${pointer}/${i}`
    if (nodes.indexOf(node) < i) return [{ pointer: at, reason: `broker ${node} is there more than once` }]
    if (found === undefined) return [{ pointer: at, reason: `the cluster has no broker ${node}` }]
    return found.fenced ? [{ pointer: at, reason: `broker ${node} is out of service` }] : []
  })
}

function refuse(errors: readonly ProblemPart[]): void {
  const [first] = errors
  if (first === undefined) return
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  throw new Problem('invalid_assignment', { detail: `${first.pointer}: ${first.reason}${more}.`, errors })
}
