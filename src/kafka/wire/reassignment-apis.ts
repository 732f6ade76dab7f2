import * as client from '@platformatic/kafka'
import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { family } from './apis.ts'

export interface TopicReplicas {
  readonly name: string
  /** Replicas by preference, null to cancel a reassignment in progress. */
  readonly partitions: { partitionIndex: number; replicas: readonly number[] | null }[]
}

interface PartitionResult {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** Arguments: timeout, whether the number of replicas may change (KIP-860; before version 1 it always may), topics. */
export const alterPartitionReassignments = family<
  [timeoutMs: number, allowFactorChange: boolean, topics: TopicReplicas[]],
  {
    errorCode: number
    errorMessage: string | null
    responses: { name: string; partitions: PartitionResult[] }[]
  }
>(client.alterPartitionReassignmentsV1, client.alterPartitionReassignmentsV0)

/** Arguments: timeout, topics with their partitions, null for all that are in progress. */
export const listPartitionReassignments = family<
  [timeoutMs: number, topics: { name: string; partitionIndexes: number[] }[] | null],
  {
    errorCode: number
    topics: {
      name: string
      partitions: {
        partitionIndex: number
        replicas: number[]
        addingReplicas: number[]
        removingReplicas: number[]
      }[]
    }[]
  }
>(client.listPartitionReassignmentsV0)

/** `election_type` of ElectLeaders: the first replica, or any that is there, in sync or not (KIP-460). */
export const ElectionType = { preferred: 0, unclean: 1 } as const

export interface ElectedTopic {
  readonly name: string
  readonly partitions: number[]
}

export interface ElectLeadersAnswer {
  readonly errorCode: number
  readonly results: { name: string; partitions: PartitionResult[] }[]
}

type ElectLeadersArgs = [type: number, topics: ElectedTopic[], timeoutMs: number]

/** Version 0 knows the preferred election alone, and none of the tagged fields. */
function writeElection(version: number) {
  const compact = version >= 2
  return (type: number, topics: ElectedTopic[], timeoutMs: number): Writer => {
    const writer = Writer.create()
    if (version >= 1) writer.appendInt8(type)
    writer
      .appendArray(
        topics,
        (w, { name, partitions }) => {
          w.appendString(name, compact).appendArray(partitions, (p, id) => p.appendInt32(id), compact, false)
        },
        compact,
        compact,
      )
      .appendInt32(timeoutMs)
    return compact ? writer.appendTaggedFields() : writer
  }
}

function readElection(version: number) {
  const compact = version >= 2
  return (_correlationId: number, _key: number, _version: number, reader: Reader): ElectLeadersAnswer => {
    reader.readInt32() // throttle time
    const errorCode = version >= 1 ? reader.readInt16() : 0
    const readPartition = (r: Reader): PartitionResult => ({
      partitionIndex: r.readInt32(),
      errorCode: r.readInt16(),
      errorMessage: r.readNullableString(compact),
    })
    const readTopic = (r: Reader) => ({
      name: r.readString(compact),
      partitions: r.readArray(readPartition, compact, compact),
    })
    return { errorCode, results: reader.readArray(readTopic, compact, compact) }
  }
}

const ELECT_LEADERS = 43
const electLeadersVersion = (version: number) =>
  createAPI(ELECT_LEADERS, version, writeElection(version), readElection(version), version >= 2, version >= 2)

/** Arguments: election type, topics with their partitions, timeout. */
export const electLeaders = family<ElectLeadersArgs, ElectLeadersAnswer>(
  { api: electLeadersVersion(2) },
  { api: electLeadersVersion(1) },
)

/** The same of a broker that knows the preferred election alone. */
export const electPreferredLeaders = family<ElectLeadersArgs, ElectLeadersAnswer>(
  { api: electLeadersVersion(2) },
  { api: electLeadersVersion(1) },
  { api: electLeadersVersion(0) },
)
