import type { BrokerConnection } from '../broker-connection.ts'
import { KafkaCode } from '../errors.ts'
import { type JoinedMember, type JoinGroupAnswer, joinGroup, syncGroup } from '../wire/group-apis.ts'
import { assignPartitions, type Subscriber } from './assignor.ts'
import type { GroupCoordinator } from './coordinator.ts'
import type { Given } from './given.ts'
import { GroupError } from './group-error.ts'
import {
  ASSIGNOR,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  PROTOCOL_TYPE,
} from './protocol.ts'
import type { GroupLog, Identity } from './types.ts'
import { unlessAborted } from './waiting.ts'
import type { TopicPartition } from '../topic-partition.ts'

export interface JoinRequest {
  readonly groupId: string
  readonly instanceId?: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly topics: readonly string[]
  readonly owned: readonly TopicPartition[]
  /** The last generation whose assignment was taken; -1 for none. */
  readonly generation: number
  /** Nobody reads what the member holds at present. */
  readonly isAway: boolean
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
  /** What the leader last gave to static members. */
  readonly given: Given
}

export interface Rebalanced {
  readonly identity: Identity
  readonly leader: boolean
  /** The leader's member id, as the group says. */
  readonly leaderId: string
  /** What the group reads, where this member leads it again after it was away: the assignment stands as it was (KIP-814). */
  readonly leadsAgain: ReadonlySet<string> | undefined
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
    const stands = leader && answer.skipAssignment === true
    const assignments = leader && !stands ? await assign(answer.members, events, log) : []
    const syncSentAt = performance.now()
    const synced = await line.call(
      syncGroup,
      request.groupId,
      identity.generation,
      identity.memberId,
      identity.instanceId,
      PROTOCOL_TYPE,
      answer.protocolName,
      assignments,
    )
    if (synced.errorCode !== KafkaCode.NONE) throw new GroupError('SyncGroup', synced.errorCode)
    const leadsAgain = stands ? topicsOf(answer.members.map((m) => subscriber(m, log))) : undefined
    return {
      identity,
      leader,
      leaderId: answer.leader,
      leadsAgain,
      assigned: decodeAssignment(synced.assignment),
      syncSentAt,
    }
  })
  return unlessAborted(round, signal)
}

async function join(
  line: BrokerConnection,
  request: JoinRequest,
  events: RebalanceEvents,
  signal: AbortSignal,
): Promise<{ answer: JoinGroupAnswer; identity: Identity }> {
  const { instanceId = null } = request
  const metadata = encodeSubscription(request.topics, request.owned, request.generation, request.isAway)
  for (;;) {
    const sentAt = performance.now()
    events.joining()
    const answer = await line.call(
      joinGroup,
      request.groupId,
      request.sessionTimeoutMs,
      request.rebalanceTimeoutMs,
      events.memberId(),
      instanceId,
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
    const identity = { memberId: answer.memberId, instanceId, generation: answer.generationId }
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
  const { given } = events
  const subscribers = new Map(members.map((m) => [m.memberId, withWhatItHad(m, subscriber(m, log), given)]))
  const counts = await events.partitionCounts(topicsOf(subscribers.values()))
  const assignments = assignPartitions(subscribers, counts)
  given.remember(members.map((m) => [m.groupInstanceId, assignments.get(m.memberId) ?? []]))
  return [...assignments].map(([memberId, partitions]) => ({
    memberId,
    assignment: encodeAssignment(partitions),
  }))
}

function topicsOf(subscribers: Iterable<Subscriber>): Set<string> {
  return new Set([...subscribers].flatMap(({ topics }) => [...topics]))
}

/** A static member that has just come back holds nothing and knows of no generation. */
function withWhatItHad(member: JoinedMember, subscriber: Subscriber, given: Given): Subscriber {
  const isBack = subscriber.owned.length === 0 && subscriber.generation < 0
  return isBack ? { ...subscriber, had: given.to(member.groupInstanceId) } : subscriber
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
