import { Problem } from '../../../problems/problem.ts'
import type { BrokerConnection } from '../../broker-connection.ts'
import type { Cluster } from '../../cluster.ts'
import type { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode, UnsupportedApiError } from '../../errors.ts'
import { Unanswered } from '../../transactions/broker-call.ts'
import { Coordinator } from '../../transactions/coordinator.ts'
import { GROUP_KEY } from '../../wire/group-apis.ts'

export interface GroupAnswer<T> {
  readonly answer: T
  /** An earlier try went unanswered, so it may have done already what was asked. */
  readonly repeated: boolean
  /** Node id of the coordinator. */
  readonly coordinator: number
}

/**
 * Asks the coordinator of a group until its answer is final: it may be moving or loading. The call must be safe to make
 * twice.
 * @param codesOf the error numbers of an answer
 * @param lost what to tell where the call was made and no answer came
 * @throws Problem kafka_unavailable, kafka_auth_failed, kafka_authorization; `lost`
 */
export async function callGroup<T>(
  cluster: Cluster,
  group: string,
  deadline: Deadline,
  call: (connection: BrokerConnection) => Promise<T>,
  codesOf: (answer: T) => Iterable<number>,
  lost?: Problem,
): Promise<GroupAnswer<T>> {
  const coordinator = new Coordinator(cluster, GROUP_KEY, group)
  try {
    const { answer, repeated } = await coordinator.call(deadline, call, codesOf)
    return { answer, repeated, coordinator: coordinator.node ?? -1 }
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error
    if (error.sent && lost !== undefined) throw lost
    const detail = "The group's coordinator did not answer in time."
    throw new Problem('kafka_unavailable', { detail, cause: error.cause })
  }
}

/** An answer, or undefined where the broker is too old for the question. */
export async function ifSupported<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof UnsupportedApiError) return undefined
    throw error
  }
}

/** Codes that say that the group has members: who commits without being one of them is a member the broker does not know. */
const active = new Set<number>([
  KafkaCode.UNKNOWN_MEMBER_ID,
  KafkaCode.ILLEGAL_GENERATION,
  KafkaCode.REBALANCE_IN_PROGRESS,
  KafkaCode.NON_EMPTY_GROUP,
])

export function isActive(code: number): boolean {
  return active.has(code)
}

/** What a caller is told of an error number in the answer to a call about a group. */
export function groupProblem(code: number, group: string): Problem {
  if (isActive(code)) return hasMembers(group)
  if (code === KafkaCode.GROUP_ID_NOT_FOUND || code === KafkaCode.INVALID_GROUP_ID) return noSuchGroup(group)
  return problemFromKafkaCode(code)
}

export function hasMembers(group: string): Problem {
  return new Problem('group_active', { detail: `Group ${quoted(group)} has members.` })
}

export function noSuchGroup(group: string): Problem {
  return new Problem('group_not_found', { detail: `There is no group ${quoted(group)}.` })
}

/** Names of groups are any text: quoted where they would not stand out, and cut where they are long. */
export function quoted(group: string): string {
  const shown = group.length > MAX_SHOWN ? `${group.slice(0, MAX_SHOWN)}…` : group
  return /^[\w.-]+…?$/.test(shown) ? shown : JSON.stringify(shown)
}

const MAX_SHOWN = 200
