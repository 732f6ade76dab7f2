import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { registrations } from '../cluster/brokers.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { partitionKey, type TopicMap, topicMap } from '../topic-partitions.ts'
import { alterReassignments } from './alter-reassignments.ts'
import { type Moving, movingPartitions } from './in-progress.ts'
import { setThrottle, undoThrottle } from './throttle.ts'
import { type ReassignmentRequest, type Step, stepsOf } from './wanted-replicas.ts'

export interface StepResult extends Step {
  /** Why Kafka refused this one. */
  readonly error?: Problem
}

export interface StartedReassignments {
  readonly steps: readonly StepResult[]
  /** Whether anything is or would be moved. */
  readonly changes: boolean
}

export interface StartOptions {
  readonly dryRun: boolean
  /** What each broker sends and takes at the most of what is copied; no bound where undefined. */
  readonly throttleBytesPerSecond?: number | undefined
}

/**
 * Starts moving replicas. What is there already, or on its way there, is left as it is: the same request twice does what
 * it does once.
 * @returns each partition, with what became of it
 * @throws Problem topic_not_found, partition_not_found, internal_topic, invalid_assignment, invalid_request,
 *   reassignment_in_progress, broker_unavailable, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function startReassignments(
  cluster: Cluster,
  request: ReassignmentRequest,
  { dryRun, throttleBytesPerSecond }: StartOptions,
): Promise<StartedReassignments> {
  const deadline = new Deadline(TIMEOUT_MS)
  const brokers = await registrations(cluster, deadline)
  const [topics, moving] = await Promise.all([
    topicMap(cluster, deadline),
    movingPartitions(cluster, deadline),
  ])
  const underWay = new Map(moving.map((m) => [partitionKey(m), m]))
  const steps = stepsOf(request, settledTopics(topics, underWay), brokers).map((step): Step => {
    // What is copied comes from where the replicas are now.
    const from = topics.get(step.topic)!.partitions[step.partition]!.replicas
    return { ...step, from }
  })
  checkUnderWay(steps, underWay)
  const pending = steps.filter((step) => !underWay.has(partitionKey(step)) && !isSame(step.from, step.to))
  const running = steps.filter((step) => underWay.has(partitionKey(step)))
  const changes = pending.length + running.length > 0
  if (dryRun || !changes) return { steps, changes }
  const undo = await throttle(cluster, [...pending, ...running], throttleBytesPerSecond, deadline)
  if (pending.length === 0) return { steps, changes }
  const refused = await alterReassignments(
    cluster,
    pending.map(({ to, ...step }) => ({ ...step, replicas: to })),
    deadline,
  )
  if (refused.size === pending.length && running.length === 0) await undo()
  const results = steps.map((step): StepResult => {
    const error = refused.get(partitionKey(step))
    return error === undefined ? step : { ...step, error }
  })
  return { steps: results, changes }
}

/** The topics as they will be: metadata shows old and new replicas together, from which a plan would differ each time. */
function settledTopics(topics: TopicMap, underWay: ReadonlyMap<string, Moving>): TopicMap {
  if (underWay.size === 0) return topics
  return new Map(
    [...topics].map(([name, info]) => {
      const partitions = info.partitions.map((p) => {
        const target = underWay.get(partitionKey({ topic: name, partition: p.partition }))?.target
        return target === undefined ? p : { ...p, replicas: target }
      })
      return [name, { ...info, partitions }]
    }),
  )
}

/** @throws Problem reassignment_in_progress where one is on its way to somewhere else */
function checkUnderWay(steps: readonly Step[], underWay: ReadonlyMap<string, Moving>): void {
  const elsewhere = steps
    .flatMap((step) => underWay.get(partitionKey(step)) ?? [])
    .filter((moving) => {
      const step = steps.find((s) => partitionKey(s) === partitionKey(moving))!
      return !isSame(step.to, moving.target)
    })
  const [first, ...more] = elsewhere
  if (first === undefined) return
  const others = more.length > 0 ? ` and ${more.length} more` : ''
  throw new Problem('reassignment_in_progress', {
    detail: `${first.topic} ${first.partition}${others} is on its way to brokers ${first.target.join(', ')}. Nothing was changed.`,
  })
}

/** @returns what takes it off again, as far as that goes */
async function throttle(
  cluster: Cluster,
  steps: readonly Step[],
  bytesPerSecond: number | undefined,
  deadline: Deadline,
): Promise<() => Promise<void>> {
  if (bytesPerSecond === undefined) return () => Promise.resolve()
  const undo = () => undoThrottle(cluster, steps, new Deadline(TIMEOUT_MS)).catch(() => {})
  try {
    await setThrottle(cluster, steps, bytesPerSecond, deadline)
  } catch (error) {
    await undo()
    throw error
  }
  return undo
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((node, i) => node === b[i])
}
