import { createHash, type Hash } from 'node:crypto'
import { MEMENTO_GROUP_PREFIX } from '../../internal-groups.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from '../errors.ts'
import { GROUP_KEY, type OffsetFetchAnswer, offsetFetch } from '../wire/group-apis.ts'
import { Unanswered } from './broker-call.ts'
import { Coordinator } from './coordinator.ts'
import type { TransactionKey } from './transaction-key.ts'
import type { ResumeOffset, TransactionRequest, WrittenRecord } from './types.ts'

/** Brokers take 4,096 bytes of metadata with an offset by default (offset.metadata.max.bytes). */
const MAX_RUNS_LENGTH = 3_900
const FORM = 'sluice1'

/** What is remembered of a transaction that a client gave an id. */
export interface Remembered {
  /** Of what the transaction did, to know another one under the same id. */
  readonly fingerprint: string
  /** Which of the requests with the id was committed. */
  readonly key: string
  /** Places of its records as text; empty where they were too many. */
  readonly runs: string
}

/** The transactional id of a client's id, and the group that remembers its commit. */
export function nameOfId(id: string): string {
  return MEMENTO_GROUP_PREFIX + id
}

/** An offset that, committed in the transaction itself, remembers it: there if and only if the transaction was committed. */
export function mementoOf(
  request: TransactionRequest,
  key: TransactionKey,
  results: readonly WrittenRecord[],
): ResumeOffset {
  const runs = writeRuns(results)
  const kept = runs.length <= MAX_RUNS_LENGTH ? runs : ''
  const metadata = `${FORM} ${fingerprintOf(request)} ${shortKey(key)} ${kept}`
  return { topic: topicOf(request), partition: 0, offset: 0, metadata }
}

/** Tells the requests with one id from each other. */
export function shortKey({ producerId, producerEpoch }: TransactionKey): string {
  return `${producerId}.${producerEpoch}`
}

/**
 * What Kafka remembers of an id. Without the request, what a transaction is about to make visible may be missed.
 * @throws Problem
 */
export async function recall(
  cluster: Cluster,
  id: string,
  deadline: Deadline,
  request?: TransactionRequest,
): Promise<Remembered | undefined> {
  // Only of a partition that is named does Kafka say that an offset is on its way (KIP-447).
  const named = request && [{ name: topicOf(request), partitionIndexes: [0] }]
  return (named && (await fetch(cluster, id, deadline, named))) ?? fetch(cluster, id, deadline, null)
}

async function fetch(
  cluster: Cluster,
  id: string,
  deadline: Deadline,
  topics: { name: string; partitionIndexes: number[] }[] | null,
): Promise<Remembered | undefined> {
  const groupId = nameOfId(id)
  const ask = { groupId, memberId: null, memberEpoch: -1, topics } as const
  const partitionsOf = ({ groups }: OffsetFetchAnswer) =>
    groups.flatMap((group) => group.topics.flatMap(({ partitions }) => partitions))
  const codesOf = (answer: OffsetFetchAnswer) => [
    ...answer.groups.map(({ errorCode }) => errorCode),
    ...partitionsOf(answer).map(({ errorCode }) => errorCode),
  ]
  const { answer } = await new Coordinator(cluster, GROUP_KEY, groupId)
    .call(deadline, (connection) => connection.call(offsetFetch, [ask], true), codesOf)
    .catch((error: unknown) => {
      throw problemFromKafka(error instanceof Unanswered ? error.cause : error)
    })
  const wrong = codesOf(answer).find((code) => code !== KafkaCode.NONE)
  if (wrong !== undefined && wrong !== KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) throw problemFromKafkaCode(wrong)
  const found = partitionsOf(answer).find(({ committedOffset }) => committedOffset >= 0n)
  if (found === undefined) return undefined
  const [form, fingerprint = '', key = '', runs = ''] = (found.metadata ?? '').split(' ')
  return form === FORM ? { fingerprint, key, runs } : { fingerprint: '', key: '', runs: '' }
}

function topicOf({ records, offsets }: TransactionRequest): string {
  return records[0]?.topic ?? offsets!.offsets[0]!.topic
}

/** The same for every request that does the same. */
export function fingerprintOf({ records, offsets }: TransactionRequest): string {
  const hash = createHash('sha256')
  for (const { topic, record } of records) {
    const { key, value, headers, partition, timestamp } = record
    hash.update(`r ${topic} ${partition} ${timestamp} ${headers.length}`)
    for (const part of [key, value, ...headers.flatMap((header) => [header.name, header.value])]) {
      addBytes(hash, part)
    }
  }
  if (offsets !== undefined) {
    hash.update('o')
    for (const text of [offsets.group, JSON.stringify(offsets.offsets)]) addBytes(hash, Buffer.from(text))
  }
  return hash.digest('base64url').slice(0, 22)
}

function addBytes(hash: Hash, bytes: Buffer | null): void {
  hash.update(bytes === null ? ' -' : ` ${bytes.length} `)
  if (bytes !== null) hash.update(bytes)
}

/** Places as runs of neighbours, `partition.offset.timestamp.count` in base 36: the topics are in the request. */
function writeRuns(results: readonly WrittenRecord[]): string {
  const runs: { partition: number; offset: number | null; timestamp: number; count: number }[] = []
  for (const { partition, offset, timestamp } of results) {
    const last = runs.at(-1)
    const follows =
      last?.partition === partition &&
      last.timestamp === timestamp &&
      (last.offset === null ? null : last.offset + last.count) === offset
    if (follows) last.count++
    else runs.push({ partition, offset, timestamp, count: 1 })
  }
  return runs
    .map(({ partition, offset, timestamp, count }) =>
      [partition, offset ?? -1, timestamp, count].map((n) => n.toString(36)).join('.'),
    )
    .join(',')
}

/** Where the records of a repeated request are; null where they were too many to remember. */
export function readRuns(runs: string, { records }: TransactionRequest): WrittenRecord[] | null {
  if (runs === '' && records.length > 0) return null
  const results: WrittenRecord[] = []
  for (const run of runs.split(',').filter(Boolean)) {
    const [partition = 0, offset = 0, timestamp = 0, count = 0] = run.split('.').map((n) => parseInt(n, 36))
    for (let i = 0; i < count; i++) {
      const { topic } = records[results.length]!
      results.push({ topic, partition, offset: offset < 0 ? null : offset + i, timestamp })
    }
  }
  return results
}
