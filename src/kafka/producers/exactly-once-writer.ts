import type { Logger } from 'pino'
import { Problem } from '../../problems/problem.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import { TokenSigner } from '../../signed-token.ts'
import type { TopicDefaults } from '../../config/topic-defaults.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import { Deadline } from '../deadline.ts'
import { problemFromKafka } from '../errors.ts'
import type { SecretStore } from '../secret-store.ts'
import { BatchSender } from './batch-sender.ts'
import { ProducerExpiration } from './expiration.ts'
import { newProducerId } from './new-producer-id.ts'
import { type ConfirmedWrite, OnceWrite, type OnceWriteMeans } from './once-write.ts'
import { decodeProducerToken, encodeProducerToken, keyOf, type ProducerToken } from './producer-token.ts'
import { RecentProducers } from './recent-producers.ts'
import { MAX_SEQUENCE } from './sequence-rules.ts'
import { WritesUnderWay } from './writes-under-way.ts'

/** A producer as it was opened. */
export interface OpenedProducer {
  /** Opaque; whoever has it may write as this producer. */
  readonly producer: string
  readonly partition: number
  readonly nextSequence: number
}

/**
 * Writes for clients that may send anything twice: each names its records by a producer and sequence numbers, which Kafka
 * keeps with the log (KIP-98), so any gateway, after any failure, finds out what was written. Nothing is kept here but a
 * memory of what was seen a moment ago.
 */
export class ExactlyOnceWriter {
  readonly #secrets: SecretStore
  readonly #means: OnceWriteMeans
  readonly #defaults: TopicDefaults
  readonly #underWay = new WritesUnderWay()
  #signer: TokenSigner | undefined

  /** `defaults` of a topic: how its batches are compressed, and within how long every call ends. */
  constructor(secrets: SecretStore, means: OnceWriteMeans, defaults: TopicDefaults) {
    this.#secrets = secrets
    this.#means = means
    this.#defaults = defaults
  }

  /**
   * Opens a producer for one partition, any with a leader where none is named.
   * @throws Problem topic_not_found, partition_not_found, kafka_unavailable, kafka_auth_failed, kafka_authorization
   */
  async open(topic: string, partition?: number, owner = ''): Promise<OpenedProducer> {
    const deadline = new Deadline(this.#defaults.of(topic).timeoutMs)
    const info = await this.#topicWith(topic, partition, deadline)
    const chosen = partition ?? anyPartition(info)
    const secret = await deadline.within(this.#secrets.get())
    const identity = await newProducerId(this.#means.cluster, deadline)
    const token = { ...identity, topicId: info.id, partition: chosen, issuedAt: Date.now() }
    this.#signer ??= signerWith(secret)
    const producer = this.#signer.sign(encodeProducerToken(token), contextOf(topic, owner))
    return { producer, partition: chosen, nextSequence: 0 }
  }

  async #topicWith(topic: string, partition = 0, deadline: Deadline): Promise<TopicInfo> {
    const { cluster } = this.#means
    const cached = await deadline.within(cluster.topic(topic))
    const isThere = cached?.partitions[partition] !== undefined
    const info = isThere ? cached : await deadline.within(cluster.refreshTopic(topic))
    if (info === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${topic}.` })
    if (info.partitions[partition] !== undefined) return info
    const last = info.partitions.length - 1
    throw new Problem('partition_not_found', { detail: `The partitions of ${topic} are 0 to ${last}.` })
  }

  /**
   * What a producer's text says, if a gateway of this Kafka gave it out for this topic.
   * @throws Problem invalid_producer; as SecretStore.find
   */
  async verify(topic: string, producer: string, owner = ''): Promise<ProducerToken> {
    this.#signer ??= await this.#findSigner()
    const payload = this.#signer?.open(producer, contextOf(topic, owner))
    const token = payload && decodeProducerToken(payload)
    if (token === undefined) throw new Problem('invalid_producer')
    return token
  }

  async #findSigner(): Promise<TokenSigner | undefined> {
    try {
      const secret = await this.#secrets.find()
      return secret === undefined ? undefined : signerWith(secret)
    } catch (error) {
      throw inDoubt(error)
    }
  }

  /**
   * Writes records as one batch, all or none, the first of them under sequence number `first`; or finds out that it was
   * done before. Safe to call again with the same arguments at any time, at any gateway, also while it is under way. Calls
   * of one producer may follow each other without waiting for the answers.
   * Partitions that records name are not looked at.
   * @throws Problem write_unconfirmed, kafka_unavailable, not_enough_replicas: call again; sequence_gap,
   * sequence_conflict, sequence_expired, producer_expired, invalid_sequence; topic_not_found; invalid_request for a
   * timestamp that is too old; record_too_large and its like, of the batch as a whole
   */
  async write(
    topic: string,
    token: ProducerToken,
    first: number,
    records: readonly OutgoingRecord[],
    timeoutMs?: number,
  ): Promise<ConfirmedWrite> {
    const range = { first, last: first + records.length - 1 }
    if (range.last > MAX_SEQUENCE) {
      const detail = `The last record would have the number ${range.last}: open another producer.`
      throw new Problem('invalid_sequence', { detail, outcome: 'not_written' })
    }
    const { compression, timeoutMs: usual } = this.#defaults.of(topic)
    const deadline = new Deadline(timeoutMs ?? usual)
    const { traffic } = this.#means.cluster.meter
    try {
      const key = keyOf(token)
      const earlier = this.#underWay.before(key, first)
      const written = await this.#underWay.run(key, first, async () => {
        if (earlier !== undefined) await deadline.within(earlier)
        return new OnceWrite(this.#means, { topic, ...token }, range, records, compression, deadline).run()
      })
      if (!written.duplicate) traffic.producedAll(topic, records, 'written')
      return written
    } catch (error) {
      const problem = inDoubt(error)
      // What is refused for good was not written by this call, whatever became of an earlier one.
      traffic.producedAll(topic, records, problem.row.retryable ? 'unknown' : 'not_written')
      throw problem
    }
  }
}

/** What writes single batches within `timeoutMs`. Whatever the topics' defaults say of `acks`, it waits for all in-sync replicas. */
export function createBatchSender(cluster: Cluster, timeoutMs: number): BatchSender {
  return new BatchSender(cluster, Math.max(250, Math.min(5_000, Math.floor(timeoutMs * 0.4))))
}

/** The writer with what it is made of. */
export function createExactlyOnceWriter(
  cluster: Cluster,
  sender: BatchSender,
  secrets: SecretStore,
  defaults: TopicDefaults,
  log: Pick<Logger, 'info' | 'warn'>,
): ExactlyOnceWriter {
  const expiration = new ProducerExpiration(cluster, log)
  const means = { cluster, sender, expiration, recent: new RecentProducers() }
  return new ExactlyOnceWriter(secrets, means, defaults)
}

/** Whatever keeps a try out, an earlier one may have been written. */
function inDoubt(error: unknown): Problem {
  const { code, options } = problemFromKafka(error)
  return new Problem(code, { outcome: 'unknown', ...options })
}

function signerWith(secret: string | Buffer): TokenSigner {
  return new TokenSigner(secret, 'producer')
}

/** One that can be written to now, if there is any. */
function anyPartition({ partitions }: TopicInfo): number {
  const led = partitions.filter(({ leader }) => leader >= 0)
  const choice = led.length > 0 ? led : partitions
  return choice[Math.floor(Math.random() * choice.length)]!.partition
}

/** What a token is good for: one topic, and in the hands of whoever it was opened for. No topic has a line break. */
function contextOf(topic: string, owner: string): string {
  return owner === '' ? topic : `${topic}\n${owner}`
}
