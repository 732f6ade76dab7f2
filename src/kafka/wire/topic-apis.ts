import * as client from '@platformatic/kafka'
import { family } from './apis.ts'
import type { ConfigAnswer } from './config-apis.ts'

export interface NewTopic {
  readonly name: string
  /** -1 for the cluster's own `num.partitions`. */
  readonly numPartitions: number
  /** -1 for the cluster's own `default.replication.factor`. */
  readonly replicationFactor: number
  /** Always empty: the controller places the replicas. */
  readonly assignments: readonly never[]
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
