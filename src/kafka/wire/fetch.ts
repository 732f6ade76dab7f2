import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import type { ApiFamily } from '../broker-connection.ts'
import { ByteCursor } from './byte-cursor.ts'

/** What a reader may see: every record, or only those of committed transactions and of none (KIP-98). */
export type Isolation = 'read_uncommitted' | 'read_committed'

export interface FetchRequest {
  /** Milliseconds the broker waits for the first byte. */
  readonly maxWaitMs: number
  /** Bytes of the whole answer. The first partition that has a record gives at least one batch, however large (KIP-74). */
  readonly maxBytes: number
  readonly isolation: Isolation
  /** Partitions in the order in which they may fill the answer; those of one topic stand together. */
  readonly topics: readonly FetchTopic[]
}

export interface FetchTopic {
  readonly topicId: string
  readonly partitions: readonly FetchPartition[]
}

export interface FetchPartition {
  readonly partition: number
  /** The leader epoch of the metadata in use, so that a broker that is behind or ahead says so (KIP-320); -1 for any. */
  readonly leaderEpoch: number
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchAnswer {
  readonly throttleTimeMs: number
  /** Of the whole request; each partition has its own too. */
  readonly errorCode: number
  readonly partitions: FetchedPartition[]
}

export interface AbortedTransaction {
  readonly producerId: bigint
  /** Of the first record of the transaction in this partition. */
  readonly firstOffset: number
}

export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  /** The next offset to be written that all in-sync replicas have; -1 with an error, as the two below. */
  readonly highWatermark: number
  /** Where the first open transaction starts, or the high watermark. */
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Those that overlap `records`; null unless read_committed was asked for. */
  readonly abortedTransactions: AbortedTransaction[] | null
  /** With NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH, who leads now. */
  readonly currentLeader: { leaderId: number; leaderEpoch: number } | undefined
  /** Record batches as they lie in the log, the last perhaps cut short: a view of the answer's own memory. */
  readonly records: Buffer | null
}

const API_KEY = 1
/** A consumer, not a replica. */
const REPLICA_ID = -1
/** No fetch session (KIP-227): positions travel in each request. Sessions spare bytes only where hundreds of partitions idle. */
const SESSION_ID = 0
const FINAL_EPOCH = -1
const CURRENT_LEADER_TAG = 1

function writeRequest(version: number, request: FetchRequest): Writer {
  const writer = Writer.create()
  // Since 15 the replica id is a tagged field, which a consumer leaves out (KIP-903).
  if (version < 15) writer.appendInt32(REPLICA_ID)
  return writer
    .appendInt32(request.maxWaitMs)
    .appendInt32(1)
    .appendInt32(request.maxBytes)
    .appendInt8(request.isolation === 'read_committed' ? 1 : 0)
    .appendInt32(SESSION_ID)
    .appendInt32(FINAL_EPOCH)
    .appendArray([...request.topics], (w, topic) => {
      w.appendUUID(topic.topicId).appendArray([...topic.partitions], (w, p) => {
        w.appendInt32(p.partition)
          .appendInt32(p.leaderEpoch)
          .appendInt64(BigInt(p.offset))
          .appendInt32(-1) // last fetched epoch
          .appendInt64(-1n) // log start offset: a follower's
          .appendInt32(p.maxBytes)
      })
    })
    .appendArray([], () => {}) // forgotten topics, of a session
    .appendString('') // rack: always the leader
    .appendTaggedFields()
}

/** @throws UnsafeIntegerError for an offset past 2^53-1, RangeError for an answer cut short; nothing for error codes */
function readAnswer(reader: Reader): FetchAnswer {
  const cursor = new ByteCursor(reader.buffer.buffer)
  cursor.position = reader.position
  const throttleTimeMs = cursor.int32()
  const errorCode = cursor.int16()
  cursor.int32() // session id
  const partitions: FetchedPartition[] = []
  for (let topics = cursor.compactLength(); topics > 0; topics--) {
    const topicId = cursor.uuid()
    for (let count = cursor.compactLength(); count > 0; count--)
      partitions.push(readPartition(cursor, topicId))
    cursor.taggedFields()
  }
  return { throttleTimeMs, errorCode, partitions }
}

function readPartition(cursor: ByteCursor, topicId: string): FetchedPartition {
  const partition = cursor.int32()
  const errorCode = cursor.int16()
  const highWatermark = cursor.int64()
  const lastStableOffset = cursor.int64()
  const logStartOffset = cursor.int64()
  const abortedTransactions = readAborted(cursor)
  cursor.int32() // preferred read replica: none without a rack
  const length = cursor.compactLength()
  const records = length > 0 ? cursor.view(length) : null
  let currentLeader: FetchedPartition['currentLeader']
  cursor.taggedFields((tag, field) => {
    if (tag === CURRENT_LEADER_TAG) currentLeader = { leaderId: field.int32(), leaderEpoch: field.int32() }
  })
  return {
    topicId,
    partition,
    errorCode,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions,
    currentLeader,
    records,
  }
}

function readAborted(cursor: ByteCursor): AbortedTransaction[] | null {
  const count = cursor.compactLength()
  if (count < 0) return null
  return Array.from({ length: count }, () => {
    const transaction = { producerId: cursor.bigint64(), firstOffset: cursor.int64() }
    cursor.taggedFields()
    return transaction
  })
}

/**
 * Fetch by topic id (KIP-516), so that a topic made again under the same name is never taken for the old one.
 * Versions 13 to 17, Apache Kafka 3.1 and newer.
 */
export const fetch: ApiFamily<[request: FetchRequest], FetchAnswer> = {
  key: API_KEY,
  versions: [17, 16, 15, 14, 13].map((version) =>
    createAPI<[FetchRequest], FetchAnswer>(
      API_KEY,
      version,
      (request: FetchRequest) => writeRequest(version, request),
      (_correlationId, _apiKey, _apiVersion, reader) => readAnswer(reader),
    ),
  ),
}
