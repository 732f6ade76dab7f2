import {
  COOPERATIVE_STICKY_ASSIGNOR,
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  decodeCooperativeStickyGeneration,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from '@platformatic/kafka'
import type { Subscriber } from './assignor.ts'
import { byTopic } from './types.ts'
import type { TopicPartition } from '../topic-partition.ts'

/** What a group of consumers is called in JoinGroup. */
export const PROTOCOL_TYPE = 'consumer'
/** The one assignor offered, by the name that Java's has (KIP-429). */
export const ASSIGNOR = COOPERATIVE_STICKY_ASSIGNOR

/** Newest version of the subscription and the assignment: 2 added the generation (KIP-792), 3 the rack (KIP-881). */
const VERSION = 3

/** Written behind the generation by a member that is away; Java's assignor reads no further than the generation. */
const AWAY = Buffer.from('away')

/** A member's part in a rebalance: what it reads and what it holds, since which generation, and whether anybody reads. */
export function encodeSubscription(
  topics: readonly string[],
  owned: readonly TopicPartition[],
  generation: number,
  isAway = false,
): Buffer {
  // A leader older than KIP-792 reads the generation from here, as Java's CooperativeStickyAssignor writes it.
  const written = Buffer.alloc(4)
  written.writeInt32BE(generation)
  const userData = isAway ? Buffer.concat([written, AWAY]) : written
  return encodeConsumerProtocolSubscription({
    version: VERSION,
    topics: [...topics],
    userData,
    ownedPartitions: toGroupAssignments(owned),
    generationId: generation,
    rackId: null,
  })
}

/** @throws where the bytes are not a subscription */
export function decodeSubscription(bytes: Buffer): Subscriber {
  const { version, topics, ownedPartitions, generationId, userData } =
    decodeConsumerProtocolSubscription(bytes)
  return {
    topics: new Set(topics),
    owned: fromGroupAssignments(ownedPartitions),
    generation: version >= 2 ? generationId : decodeCooperativeStickyGeneration(userData ?? Buffer.alloc(0)),
    isAway: userData?.subarray(4).equals(AWAY) === true,
  }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Buffer {
  return encodeConsumerProtocolAssignment({
    version: VERSION,
    assignedPartitions: toGroupAssignments(partitions),
    userData: Buffer.alloc(0),
  })
}

/** @throws where the bytes are not an assignment */
export function decodeAssignment(bytes: Buffer): TopicPartition[] {
  return fromGroupAssignments(decodeConsumerProtocolAssignment(bytes).assignedPartitions)
}

function toGroupAssignments(
  partitions: readonly TopicPartition[],
): { topic: string; partitions: number[] }[] {
  return [...byTopic(partitions)].map(([topic, numbers]) => ({ topic, partitions: numbers }))
}

function fromGroupAssignments(
  assignments: readonly { topic: string; partitions: number[] }[],
): TopicPartition[] {
  return assignments.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}
