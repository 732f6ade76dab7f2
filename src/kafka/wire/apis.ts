import * as client from '@platformatic/kafka'
import type { ApiFamily } from '../broker-connection.ts'

/** Gathers the client library's codecs of one API. Only versions with the same arguments and answers belong together. */
export function family<Args extends unknown[], Response>(
  ...modules: { api: unknown }[]
): ApiFamily<Args, Response> {
  const versions = modules.map((m) => m.api) as ApiFamily<Args, Response>['versions']
  return { key: versions[0]!.key, versions }
}

export interface MetadataAnswer {
  readonly brokers: { nodeId: number; host: string; port: number; rack: string | null }[]
  readonly clusterId: string | null
  readonly controllerId: number
  readonly topics: {
    errorCode: number
    name: string | null
    topicId: string
    isInternal: boolean
    /** What the gateway may do with it, a bit for each of Kafka's `AclOperation` numbers (KIP-430), where it was asked for. */
    topicAuthorizedOperations: number
    partitions: {
      errorCode: number
      partitionIndex: number
      leaderId: number
      leaderEpoch: number
      replicaNodes: number[]
      isrNodes: number[]
      offlineReplicas: number[]
    }[]
  }[]
}

/** Arguments: topics (null for all), allowAutoTopicCreation, includeTopicAuthorizedOperations. */
export const metadata = family<
  [topics: string[] | null, create: boolean, operations: boolean],
  MetadataAnswer
>(client.metadataV12, client.metadataV11)

/** Arguments: transactional id, transaction timeout, producer id, epoch; null, 0, -1n, -1 for a new idempotent producer. */
export const initProducerId = family<
  [transactionalId: string | null, timeoutMs: number, producerId: bigint, epoch: number],
  { errorCode: number; producerId: bigint; producerEpoch: number }
>(client.initProducerIdV5, client.initProducerIdV4, client.initProducerIdV3)

export interface ListOffsetsTopic {
  readonly name: string
  readonly partitions: { partitionIndex: number; currentLeaderEpoch: number; timestamp: bigint }[]
}

/**
 * Arguments: replica (-1), isolation level (0 uncommitted, 1 committed), topics. A timestamp of -2n asks for the first
 * offset, -1n for the next to be written. A partition named twice in one request is refused.
 */
export const listOffsets = family<
  [replica: number, isolation: number, topics: ListOffsetsTopic[]],
  {
    topics: {
      name: string
      partitions: { partitionIndex: number; errorCode: number; timestamp: bigint; offset: bigint }[]
    }[]
  }
>(client.listOffsetsV9, client.listOffsetsV8, client.listOffsetsV7)
