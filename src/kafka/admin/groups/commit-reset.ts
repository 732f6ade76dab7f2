import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { keyOf } from '../../topic-partition.ts'
import { offsetCommit, type OffsetCommitTopic } from '../../wire/group-apis.ts'
import { callGroup, groupProblem, isActive } from './group-call.ts'
import type { OffsetChange, ResetPlan } from './plan-reset.ts'

/** In the place of a member's id and generation: whoever commits is no member. Kafka takes it while the group has none. */
const NO_MEMBER = ''
const NO_GENERATION = -1

/** Partitions of one commit: Kafka writes it as one batch, of 1 MB at the most. */
const SLICE = 1_000

/**
 * Makes the changes of a plan, as far as Kafka lets it: each says what became of it. Tried again with the same absolute
 * offsets where the coordinator moves or its answer is lost.
 * @throws Problem group_active where it has members by now; outcome_unknown where the answer to a relative reset was
 *   lost; kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function commitReset(cluster: Cluster, plan: ResetPlan): Promise<OffsetChange[]> {
  const done: OffsetChange[] = []
  for (let i = 0; i < plan.changes.length; i += SLICE) {
    const changes = plan.changes.slice(i, i + SLICE)
    try {
      done.push(...(await commitSlice(cluster, plan, changes)))
    } catch (error) {
      // Offsets of earlier slices are set: that is told, and of these why they are not. `outcome_unknown` names them all.
      const isLost = error instanceof Problem && error.code === 'outcome_unknown'
      if (i === 0 || isLost || !(error instanceof Problem)) throw error
      done.push(
        ...changes.map((change): OffsetChange => {
          if (change.problem !== undefined) return change
          return { ...change, after: change.before, problem: error }
        }),
      )
    }
  }
  return done
}

/** @throws Problem as commitReset() */
async function commitSlice(
  cluster: Cluster,
  plan: ResetPlan,
  changes: readonly OffsetChange[],
): Promise<OffsetChange[]> {
  const { group, deadline } = plan
  const topics = toTopics(changes)
  if (topics.length === 0) return [...changes]
  const { answer, repeated } = await callGroup(
    cluster,
    group,
    deadline,
    (connection) => connection.call(offsetCommit, group, NO_GENERATION, NO_MEMBER, null, topics),
    (answer) => answer.topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode)),
    plan.relative ? unconfirmed(plan) : undefined,
  )
  const codes = new Map(
    answer.topics.flatMap(({ name, partitions }) =>
      partitions.map((p) => [keyOf({ topic: name, partition: p.partitionIndex }), p.errorCode]),
    ),
  )
  const refused = [...codes.values()].find((code) => isActive(code) || code === KafkaCode.GROUP_ID_NOT_FOUND)
  if (refused !== undefined) {
    const problem = groupProblem(refused, group)
    if (!repeated) throw problem
    const detail = `${problem.message} The offsets may have been set before it had: a first try was not answered.`
    throw new Problem(problem.code, { detail })
  }
  return changes.map((change) => {
    const code = codes.get(keyOf(change)) ?? KafkaCode.NONE
    if (change.problem !== undefined || code === KafkaCode.NONE) return change
    return { ...change, after: change.before, problem: problemFromKafkaCode(code) }
  })
}

/** What a plan commits, as the request has it. */
function toTopics(changes: readonly OffsetChange[]): OffsetCommitTopic[] {
  const good = changes.filter(({ after, problem }) => problem === undefined && after !== null)
  return [...Map.groupBy(good, ({ topic }) => topic)].map(([name, own]) => ({
    name,
    partitions: own.map(({ partition, after }) => ({
      partitionIndex: partition,
      committedOffset: BigInt(after!),
      committedLeaderEpoch: -1,
      committedMetadata: '',
    })),
  }))
}

/** A shift that is sent again may shift twice; its offsets may not. */
function unconfirmed({ changes }: ResetPlan): Problem {
  const detail =
    'The offsets may or may not have been set. Do not send the shift again: send the entries of `partitions` here as `partitions`.'
  const partitions = changes
    .filter(({ problem }) => problem === undefined)
    .map(({ topic, partition, after }) => ({ topic, partition, offset: after }))
  return new Problem('outcome_unknown', { detail, extra: { partitions } })
}
