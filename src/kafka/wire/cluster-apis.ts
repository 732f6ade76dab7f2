import * as client from '@platformatic/kafka'
import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { family } from './apis.ts'

export interface DescribeClusterAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly clusterId: string
  readonly controllerId: number
  readonly brokers: {
    brokerId: number
    host: string
    port: number
    rack: string | null
    /** Registered, and not in service. From version 2 on, which alone tells of such brokers. */
    isFenced?: boolean
  }[]
  /** What the gateway may do with the cluster, as with a topic in metadata. */
  readonly clusterAuthorizedOperations: number
}

/** `endpointType` of the brokers, rather than the controllers. */
export const BROKER_ENDPOINTS = 1

function writeDescribeCluster(operations: boolean, endpointType: number, fenced: boolean): Writer {
  return Writer.create()
    .appendBoolean(operations)
    .appendInt8(endpointType)
    .appendBoolean(fenced)
    .appendTaggedFields()
}

function readDescribeCluster(
  _correlationId: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Reader,
): DescribeClusterAnswer {
  reader.readInt32() // throttle time
  const [errorCode, errorMessage] = [reader.readInt16(), reader.readNullableString()]
  reader.readInt8() // endpoint type
  return {
    errorCode,
    errorMessage,
    clusterId: reader.readString(),
    controllerId: reader.readInt32(),
    brokers: reader.readArray((r) => ({
      brokerId: r.readInt32(),
      host: r.readString(),
      port: r.readInt32(),
      rack: r.readNullableString(),
      isFenced: r.readBoolean(),
    })),
    clusterAuthorizedOperations: reader.readInt32(),
  }
}

/** Arguments: authorized operations, endpoint type, whether to tell of fenced brokers (KIP-1073; unheard before Kafka 4.0). */
export const describeCluster = family<
  [operations: boolean, endpointType: number, fenced: boolean],
  DescribeClusterAnswer
>(
  { api: createAPI(60, 2, writeDescribeCluster, readDescribeCluster) },
  client.describeClusterV1,
  client.describeClusterV0,
)

export interface ApiVersionsAnswer {
  readonly errorCode: number
  readonly apiKeys: { apiKey: number; minVersion: number; maxVersion: number }[]
  readonly supportedFeatures: { name: string; minVersion: number; maxVersion: number }[]
  readonly finalizedFeatures: { name: string; maxVersionLevel: number }[]
}

/** Arguments: the name and version of the client's software. Version 4 tells of features that begin at 0 (KIP-1022). */
export const apiVersions = family<[name: string, version: string], ApiVersionsAnswer>(
  client.apiVersionsV4,
  client.apiVersionsV3,
)

/** What to give apiVersions. */
export const software = [client.clientSoftwareName, client.clientSoftwareVersion] as const

export interface QuorumReplica {
  readonly replicaId: number
  /** From version 2 on. */
  readonly replicaDirectoryId?: string
  readonly logEndOffset: bigint
  /** Milliseconds since the epoch, -1 where unknown; from version 1 on. */
  readonly lastFetchTimestamp?: bigint
  readonly lastCaughtUpTimestamp?: bigint
}

export interface DescribeQuorumAnswer {
  readonly errorCode: number
  readonly topics: {
    partitions: {
      errorCode: number
      leaderId: number
      leaderEpoch: number
      highWatermark: bigint
      currentVoters: QuorumReplica[]
      observers: QuorumReplica[]
    }[]
  }[]
}

/** Arguments: topics, of which there is one with one partition, the metadata log. */
export const describeQuorum = family<
  [topics: { topicName: string; partitions: { partitionIndex: number }[] }[]],
  DescribeQuorumAnswer
>(client.describeQuorumV2, client.describeQuorumV1, client.describeQuorumV0)

export interface LogDirAnswer {
  readonly errorCode: number
  readonly logDir: string
  readonly topics: {
    name: string
    partitions: {
      partitionIndex: number
      partitionSize: bigint
      offsetLag: bigint
      isFutureKey: boolean
    }[]
  }[]
  /** Of the volume; -1 where unknown; from version 4 on. */
  readonly totalBytes?: bigint
  readonly usableBytes?: bigint
}

/** Arguments: topics with their partitions, null for all. Asked of one broker, which tells of its own disks. */
export const describeLogDirs = family<
  [topics: { name: string; partitions: number[] }[] | null],
  { errorCode: number; results: LogDirAnswer[] }
>(client.describeLogDirsV4, client.describeLogDirsV3)
