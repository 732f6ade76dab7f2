import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import { valueOf } from '../records/fetched-record.ts'
import { SECRETS_TOPIC } from '../internal-topics.ts'
import { Problem } from '../problems/problem.ts'
import type { Cluster, TopicInfo } from './cluster.ts'
import { Deadline } from './deadline.ts'
import { problemFromKafka } from './errors.ts'
import type { BatchSender } from './producers/batch-sender.ts'
import { newProducerId } from './producers/new-producer-id.ts'
import { findOffsets } from './reader/offset-finder.ts'
import { readTopic } from './reader/read-topic.ts'
import { createTopic } from './admin/topics/create-topic.ts'
import { TopicRefused } from './admin/topics/topic-refused.ts'
import { encodeRecordBatch } from './wire/record-batch-writer.ts'

const PAUSE_MS = 100
const SECRET_BYTES = 32
const MOST_REPLICAS = 3
const FOR_EVER = new Map([
  ['cleanup.policy', 'delete'],
  ['retention.ms', '-1'],
  ['retention.bytes', '-1'],
])

/**
 * The secret that all gateways of one Kafka sign with: the one that is configured, or the first record of a topic of
 * their own, made where none of them has needed it yet. Several may append one at once: the first in the log is the secret.
 */
export class SecretStore {
  readonly #cluster: Cluster
  readonly #sender: BatchSender
  readonly #timeoutMs: number
  readonly #log: Pick<Logger, 'info'>
  #secret: string | Buffer | undefined
  #finding: Promise<string | Buffer | undefined> | undefined
  #making: Promise<string | Buffer> | undefined

  constructor(
    cluster: Cluster,
    sender: BatchSender,
    configured: string | undefined,
    timeoutMs: number,
    log: Pick<Logger, 'info'>,
  ) {
    this.#cluster = cluster
    this.#sender = sender
    this.#log = log
    this.#secret = configured
    this.#timeoutMs = timeoutMs
  }

  /**
   * The secret, if there is one yet; without it nothing has been signed.
   * @throws Problem kafka_authorization, saying that one can be configured instead; kafka_unavailable, kafka_auth_failed
   */
  async find(): Promise<string | Buffer | undefined> {
    if (this.#secret !== undefined) return this.#secret
    this.#finding ??= this.#find().finally(() => (this.#finding = undefined))
    return this.#finding
  }

  async #find(): Promise<string | Buffer | undefined> {
    const deadline = new Deadline(this.#timeoutMs)
    for (;;) {
      try {
        const topic = await deadline.within(this.#cluster.topic(SECRETS_TOPIC))
        this.#secret ??= topic && (await this.#read(topic, deadline))
        return this.#secret
      } catch (error) {
        const problem = explained(error)
        if (problem.code !== 'kafka_unavailable' || deadline.left <= PAUSE_MS) throw problem
        await deadline.pause(PAUSE_MS)
      }
    }
  }

  /** The secret, made where there is none yet. @throws as find() */
  async get(): Promise<string | Buffer> {
    const found = await this.find()
    if (found !== undefined) return found
    this.#making ??= this.#make().finally(() => (this.#making = undefined))
    return this.#making
  }

  async #make(): Promise<string | Buffer> {
    try {
      const deadline = new Deadline(this.#timeoutMs)
      const topic = (await deadline.within(this.#cluster.topic(SECRETS_TOPIC))) ?? (await this.#create())
      await this.#append(topic, deadline)
      this.#secret ??= await this.#read(topic, deadline)
      if (this.#secret === undefined) throw new Problem('kafka_unavailable')
      return this.#secret
    } catch (error) {
      throw explained(error)
    }
  }

  /** On as many brokers as the usual topic that must not be lost. */
  async #create(): Promise<TopicInfo> {
    const replicationFactor = Math.min(MOST_REPLICAS, this.#cluster.brokers.size)
    try {
      await createTopic(this.#cluster, {
        name: SECRETS_TOPIC,
        partitions: 1,
        replicationFactor,
        configs: FOR_EVER,
      })
      this.#log.info({ topic: SECRETS_TOPIC }, 'created the topic of the secret that tokens are signed with')
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'topic_exists') throw error
    }
    const topic = await this.#cluster.refreshTopic(SECRETS_TOPIC)
    if (topic === undefined) throw new Problem('kafka_unavailable')
    return topic
  }

  async #append({ name, id }: TopicInfo, deadline: Deadline): Promise<void> {
    const identity = await newProducerId(this.#cluster, deadline)
    const value = Buffer.from(randomBytes(SECRET_BYTES).toString('base64url'))
    const record = { key: null, value, headers: [], timestamp: Date.now() }
    const batch = encodeRecordBatch([record], { ...identity, baseSequence: 0 })
    await this.#sender.send({ topic: name, topicId: id, partition: 0, batch }, deadline)
  }

  /** The first record; undefined while there is none. */
  async #read(topic: TopicInfo, deadline: Deadline): Promise<Buffer | undefined> {
    const isolation = 'read_uncommitted'
    const offsets = await findOffsets(this.#cluster, topic, [0], 'earliest', isolation, deadline)
    let secret: Buffer | undefined
    await readTopic(this.#cluster, {
      topic,
      offsets,
      isolation,
      limit: 1,
      waitMs: 0,
      take: (_partition, record) => {
        secret = Buffer.from(valueOf(record) ?? '')
        return true
      },
      ended: () => false,
      signal: AbortSignal.timeout(Math.max(1, Math.ceil(deadline.left))),
    })
    if (secret === undefined || secret.length >= SECRET_BYTES) return secret
    throw new Problem('internal_error', { cause: `the first record of ${SECRETS_TOPIC} is no secret` })
  }
}

/** What an operator can do where Kafka does not let the gateway keep its secret. */
function explained(error: unknown): Problem {
  const refused = error instanceof TopicRefused ? new Problem(error.code, { cause: error }) : error
  const problem = problemFromKafka(refused)
  if (['kafka_unavailable', 'kafka_auth_failed', 'kafka_too_old', 'internal_error'].includes(problem.code))
    return problem
  return new Problem('kafka_authorization', {
    detail: `Kafka does not let the gateway keep its signing secret in the topic ${SECRETS_TOPIC}: set SLUICE_SECRET, the same for all replicas.`,
    cause: problem.options.cause ?? problem.code,
  })
}
