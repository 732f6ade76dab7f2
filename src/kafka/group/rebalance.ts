import type { BrokerConnection } from '../broker-connection.ts'
import { KafkaCode } from '../errors.ts'
import { type JoinedMember, type JoinGroupAnswer, joinGroup, syncGroup } from '../wire/group-apis.ts'
import { assignPartitions, type Subscriber } from './assignor.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { GroupError } from './group-error.ts'
import {
  ASSIGNOR,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  PROTOCOL_TYPE,
} from './protocol.ts'
import type { GroupLog, Identity, TopicPartition } from './types.ts'
import { unlessAborted } from './waiting.ts'

export interface JoinRequest {
  readonly groupId: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  /** The last generation whose assignment was taken; -1 for none. */
  readonly generation: number
  /** For the broker's log (KIP-800). */
  readonly reason: string
}

export interface RebalanceEvents {
  /** The member's id, '' before the broker has given it one. */
  memberId(): string
  /** The broker gave the member its id, with which it is to join (KIP-394). */
  named(memberId: string): void
  /** A JoinGroup leaves now. */
  joining(): void
  /** All members have joined, and the group is in this generation; what it assigns is not known yet. */
  joined(identity: Identity, joinSentAt: number): void
  /** Asked of the leader: how many partitions these topics have. */
  partitionCounts(topics: ReadonlySet<string>): Promise<ReadonlyMap<string, number>>
}

export interface Rebalanced {
  readonly identity: Identity
  readonly leader: boolean
  readonly assigned: readonly TopicPartition[]
  /** When the SyncGroup was sent, on the clock of performance.now(). */
  readonly syncSentAt: number
}

/**
 * One round of the classic protocol: join, assign where this member leads, sync.
 * @throws GroupError, Abandoned once the signal aborts, and what the coordinator's calls throw
 */
export function rebalance(
  coordinator: GroupCoordinator,
  request: JoinRequest,
  events: RebalanceEvents,
  log: GroupLog,
  signal: AbortSignal,
): Promise<Rebalanced> {
  const round = coordinator.onOwnLine(signal, async (line) => {
    const { answer, identity } = await join(line, request, events, signal)
    signal.throwIfAborted()
    const leader = answer.leader === answer.memberId
    const assignments = leader ? await assign(answer.members, events, log) : []
    const syncSentAt = performance.now()
    const synced = await line.call(
      syncGroup,
      request.groupId,
      identity.generation,
      identity.memberId,
      null,
      PROTOCOL_TYPE,
      answer.protocolName,
      assignments,
    )
    if (synced.errorCode !== KafkaCode.NONE) throw new GroupError('SyncGroup', synced.errorCode)
    return { identity, leader, assigned: decodeAssignment(synced.assignment), syncSentAt }
  })
  return unlessAborted(round, signal)
}

async function join(
  line: BrokerConnection,
  request: JoinRequest,
  events: RebalanceEvents,
  signal: AbortSignal,
): Promise<{ answer: JoinGroupAnswer; identity: Identity }> {
  const metadata = encodeSubscription(request.topics, request.owned, request.generation)
  for (;;) {
    const sentAt = performance.now()
    events.joining()
    const answer = await line.call(
      joinGroup,
      request.groupId,
      request.sessionTimeoutMs,
      request.rebalanceTimeoutMs,
      events.memberId(),
      null,
      PROTOCOL_TYPE,
      [{ name: ASSIGNOR, metadata }],
      request.reason,
    )
    signal.throwIfAborted()
    if (answer.errorCode === KafkaCode.MEMBER_ID_REQUIRED && answer.memberId !== events.memberId()) {
      events.named(answer.memberId)
      continue
    }
    if (answer.errorCode !== KafkaCode.NONE) throw new GroupError('JoinGroup', answer.errorCode)
    const identity = { memberId: answer.memberId, generation: answer.generationId }
    events.joined(identity, sentAt)
    return { answer, identity }
  }
}

/** The leader's work. Every member gets an assignment, an empty one too: it waits for it. */
async function assign(
  members: readonly JoinedMember[],
  events: RebalanceEvents,
  log: GroupLog,
): Promise<{ memberId: string; assignment: Buffer }[]> {
  const subscribers = new Map(members.map((m) => [m.memberId, subscriber(m, log)]))
  const topics = new Set([...subscribers.values()].flatMap((member) => [...member.topics]))
  const assignments = assignPartitions(subscribers, await events.partitionCounts(topics))
  return [...assignments].map(([memberId, partitions]) => ({
    memberId,
    assignment: encodeAssignment(partitions),
  }))
}

/** One member's unreadable bytes must not stop the whole group: it gets nothing. */
function subscriber(member: JoinedMember, log: GroupLog): Subscriber {
  try {
    return decodeSubscription(member.metadata)
  } catch (error) {
    log.warn({ err: error, memberId: member.memberId }, "a group member's subscription cannot be read")
    return { topics: new Set(), owned: [], generation: -1 }
  }
}
