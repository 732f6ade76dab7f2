import * as client from '@platformatic/kafka'
import { family } from './apis.ts'
import type { ConfigAnswer } from './config-apis.ts'

export interface NewTopic {
  readonly name: string
  /** -1 for the cluster's own `num.partitions`. */
  readonly numPartitions: number
  /** -1 for the cluster's own `default.replication.factor`. */
  readonly replicationFactor: number
  /** The brokers of each partition, the preferred leader first; with them the two numbers above are -1. Empty: the controller places. */
  readonly assignments: readonly { partitionIndex: number; brokerIds: readonly number[] }[]
  readonly configs: readonly { name: string; value: string }[]
}

export interface CreateTopicsAnswer {
  readonly topics: {
    errorCode: number
    errorMessage: string | null
    topicId: string
    numPartitions: number
    replicationFactor: number
    configs: ConfigAnswer[] | null
  }[]
}

/** Arguments: topics, timeout, validateOnly. Version 5 is the first to answer what was made (KIP-525). */
export const createTopics = family<
  [topics: NewTopic[], timeoutMs: number, validateOnly: boolean],
  CreateTopicsAnswer
>(client.createTopicsV7, client.createTopicsV6, client.createTopicsV5)

/** Arguments: topics, each by name or by id (KIP-516), timeout. */
export const deleteTopics = family<
  [topics: ({ name: string } | { topicId: string })[], timeoutMs: number],
  { responses: { errorCode: number; errorMessage: string | null }[] }
>(client.deleteTopicsV6)

/** Arguments: topics with the partitions they are to have in all (null: the controller places the new), timeout, validateOnly. */
export const createPartitions = family<
  [topics: { name: string; count: number; assignments: null }[], timeoutMs: number, validateOnly: boolean],
  { results: { errorCode: number; errorMessage: string | null }[] }
>(client.createPartitionsV3, client.createPartitionsV2)

/** Arguments: topics with the offsets before which records go, timeout. Each partition's leader must be asked itself. */
export const deleteRecords = family<
  [topics: { name: string; partitions: { partitionIndex: number; offset: bigint }[] }[], timeoutMs: number],
  {
    topics: {
      partitions: { partitionIndex: number; lowWatermark: bigint; errorCode: number }[]
    }[]
  }
>(client.deleteRecordsV2)
