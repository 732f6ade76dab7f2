import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { KafkaConfig } from '../config/kafka-config.ts'
import { Problem } from '../problems/problem.ts'
import { firstOf, STAGGER_MS, withTimeout } from './attempts.ts'
import type { BrokerConnection, Endpoint } from './broker-connection.ts'
import { Connector } from './connector.ts'
import { KafkaCode, problemFromKafka, problemFromKafkaCode } from './errors.ts'
import { KafkaMeter } from './meter.ts'
import { metadata, type MetadataAnswer } from './wire/apis.ts'

export interface PartitionInfo {
  readonly partition: number
  /** Node id of the leader; -1 while there is none. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** Those of the replicas whose broker or disk is gone. */
  readonly offline: readonly number[]
}

/** A topic as metadata showed it. `id` tells a topic from a later one of the same name (KIP-516). */
export interface TopicInfo {
  readonly name: string
  readonly id: string
  readonly internal: boolean
  /** By partition number. */
  readonly partitions: readonly PartitionInfo[]
}

export interface BrokerInfo extends Endpoint {
  readonly nodeId: number
  readonly rack: string | null
}

interface CachedTopic {
  info: TopicInfo
  fetchedAt: number
}

/** How long a topic's metadata serves before it is asked for again in the background, ms. */
const TOPIC_MAX_AGE_MS = 30_000
/** The least time between two metadata requests for one topic, ms: many failing partitions ask at once. */
const REFRESH_INTERVAL_MS = 100
const CONTROL_TIMEOUT_MS = 5_000
/** Topics not asked for in this time are forgotten once there are many: names come and go. */
const IDLE_TOPIC_MS = 600_000
const MANY_TOPICS = 1_000
/** Idle connections kept per broker for calls that wait. */
const MAX_IDLE_CONNECTIONS = 8

/**
 * What the gateway knows of the Kafka cluster and its connections to it.
 * One shared connection per broker carries short calls; calls that wait (fetch, join, produce) lease one of their own.
 */
export class Cluster {
  /** What is counted of all this. */
  readonly meter: KafkaMeter
  readonly #connector: Connector
  readonly #bootstrap: readonly Endpoint[]
  #brokers = new Map<number, BrokerInfo>()
  #controllerId = -1
  #clusterId: string | null = null
  readonly #topics = new Map<string, CachedTopic>()
  readonly #refreshes = new Map<string, Promise<TopicInfo | undefined>>()
  readonly #control = new Map<string, { opening: Promise<BrokerConnection>; open?: BrokerConnection }>()
  readonly #idle = new Map<string, BrokerConnection[]>()
  readonly #leased = new Set<BrokerConnection>()
  readonly #closing = new AbortController()
  /** When Kafka was last asked in vain, by performance.now(). */
  #failedAt = -Infinity
  #pruneAt = MANY_TOPICS

  /** @param options `clientRefused` where the credentials are a client's: called when Kafka refuses them */
  constructor(
    config: KafkaConfig,
    {
      log,
      meter = new KafkaMeter(),
      clientRefused,
    }: { readonly log?: Logger; readonly meter?: KafkaMeter; readonly clientRefused?: () => void } = {},
  ) {
    this.meter = meter
    this.#connector = new Connector(config, meter, this.#closing.signal, log, clientRefused)
    this.#bootstrap = config.brokers.map(parseEndpoint)
  }

  /** The brokers that the newest metadata named, by node id. */
  get brokers(): ReadonlyMap<number, BrokerInfo> {
    return this.#brokers
  }

  get clusterId(): string | null {
    return this.#clusterId
  }

  get controllerId(): number {
    return this.#controllerId
  }

  /**
   * Asks any broker for the cluster's state; proof that Kafka answers.
   * @throws Problem kafka_unavailable or kafka_auth_failed
   */
  async ping(timeoutMs = CONTROL_TIMEOUT_MS): Promise<void> {
    await withTimeout(this.#describe([]), timeoutMs)
  }

  /**
   * Opens a connection to any broker, and closes it: proof that Kafka answers and, where there are credentials, that they
   * still count.
   * @throws as ping(); invalid_credentials where they are a client's
   */
  async reach(timeoutMs = CONTROL_TIMEOUT_MS): Promise<void> {
    const attempts = [...this.#endpoints().values()].map((endpoint) => async () => {
      const connection = await this.#open(endpoint, CONTROL_TIMEOUT_MS)
      connection.destroy()
    })
    try {
      await withTimeout(firstOf(attempts), timeoutMs)
    } catch (error) {
      throw problemFromKafka(error)
    }
  }

  /**
   * A topic's partitions and leaders, from the cache where it is young enough; undefined where there is no such topic.
   * @throws Problem kafka_unavailable, kafka_auth_failed or kafka_authorization
   */
  async topic(name: string): Promise<TopicInfo | undefined> {
    const cached = this.cachedTopic(name)
    return cached ?? this.refreshTopic(name)
  }

  /** The cached topic without waiting; one past its age is refreshed in the background. */
  cachedTopic(name: string): TopicInfo | undefined {
    const cached = this.#topics.get(name)
    if (cached === undefined) return undefined
    if (performance.now() - cached.fetchedAt > TOPIC_MAX_AGE_MS) this.refreshTopic(name).catch(() => {})
    return cached.info
  }

  /**
   * Asks Kafka about a topic now; callers at the same time share one request, and one asked again at once waits a moment.
   * @throws as topic()
   */
  refreshTopic(name: string): Promise<TopicInfo | undefined> {
    const running = this.#refreshes.get(name)
    if (running !== undefined) return running
    const refresh = this.#fetchTopic(name).finally(() => this.#refreshes.delete(name))
    this.#refreshes.set(name, refresh)
    return refresh
  }

  async #fetchTopic(name: string): Promise<TopicInfo | undefined> {
    const lastAsked = Math.max(this.#failedAt, this.#topics.get(name)?.fetchedAt ?? -Infinity)
    const age = performance.now() - lastAsked
    if (age < REFRESH_INTERVAL_MS) await sleep(REFRESH_INTERVAL_MS - age)
    const [topic] = await this.#describe([name])
    if (topic === undefined) {
      this.#topics.delete(name)
      return undefined
    }
    // Known to exist but refused for now: a topic just made, or leaders being elected.
    if (topic.errorCode !== KafkaCode.NONE && topic.errorCode !== KafkaCode.LEADER_NOT_AVAILABLE) {
      this.#topics.delete(name)
      if (topic.errorCode === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) return undefined
      if (topic.errorCode === KafkaCode.INVALID_TOPIC_EXCEPTION) return undefined
      throw problemFromKafkaCode(topic.errorCode)
    }
    const known = this.#topics.get(name)
    // There, but nothing of it yet: as good as a Kafka that can't be asked.
    if (known === undefined) throw problemFromKafkaCode(topic.errorCode)
    return known.info
  }

  /**
   * Every topic of the cluster.
   * @throws as topic()
   */
  async allTopics(): Promise<TopicInfo[]> {
    const topics = await this.#describe(null)
    return topics.filter((t) => t.errorCode === KafkaCode.NONE).map(toTopicInfo)
  }

  /** Forgets what is cached of a topic, after the gateway itself made, changed or deleted it. */
  forgetTopic(name: string): void {
    this.#topics.delete(name)
  }

  async #describe(names: string[] | null): Promise<MetadataAnswer['topics']> {
    try {
      const answer = await this.callAny((connection) => connection.call(metadata, names, false, false))
      this.#learn(answer)
      return answer.topics
    } catch (error) {
      this.#failedAt = performance.now()
      throw problemFromKafka(error)
    }
  }

  /**
   * Makes a call that any broker can answer, at the first that does: those with an open connection that answers first,
   * and the next one as soon as one has been silent for a moment. The call must be safe to make twice.
   * @throws the client's connection errors
   */
  async callAny<T>(call: (connection: BrokerConnection) => Promise<T>): Promise<T> {
    const answers = (key: string) => {
      const connection = this.#control.get(key)?.open
      return connection?.usable === true && connection.silentMs < STAGGER_MS
    }
    const order = [...this.#endpoints()].sort(([a], [b]) => Number(answers(b)) - Number(answers(a)))
    return firstOf(
      order.map(
        ([, endpoint]) =>
          async () =>
            call(await this.#controlAt(endpoint)),
      ),
    )
  }

  /** Of every broker that is known, by its address. */
  #endpoints(): Map<string, Endpoint> {
    return new Map([...this.#brokers.values(), ...this.#bootstrap].map((e) => [keyOf(e), e]))
  }

  #learn(answer: MetadataAnswer): void {
    this.#brokers = new Map(answer.brokers.map((b) => [b.nodeId, b]))
    this.#controllerId = answer.controllerId
    this.#clusterId = answer.clusterId
    const now = performance.now()
    for (const topic of answer.topics) {
      const partial = topic.errorCode === KafkaCode.LEADER_NOT_AVAILABLE && topic.partitions.length > 0
      if (topic.name === null || (topic.errorCode !== KafkaCode.NONE && !partial)) continue
      const info = newest(this.#topics.get(topic.name)?.info, toTopicInfo(topic))
      this.#topics.set(topic.name, { info, fetchedAt: now })
    }
    if (this.#topics.size > this.#pruneAt) this.#prune(now)
  }

  /** A topic in use is asked for again and again. */
  #prune(now: number): void {
    for (const [name, { fetchedAt }] of this.#topics)
      if (now - fetchedAt > IDLE_TOPIC_MS) this.#topics.delete(name)
    this.#pruneAt = Math.max(MANY_TOPICS, this.#topics.size * 2)
  }

  /**
   * The shared connection to a broker for short calls.
   * @throws the client's connection errors; Problem kafka_unavailable where the broker is not known
   */
  control(nodeId: number): Promise<BrokerConnection> {
    return this.#controlAt(this.#endpoint(nodeId))
  }

  async #controlAt(endpoint: Endpoint): Promise<BrokerConnection> {
    const key = keyOf(endpoint)
    const existing = this.#control.get(key)
    if (existing !== undefined && (existing.open?.usable ?? true)) return existing.opening
    const entry: { opening: Promise<BrokerConnection>; open?: BrokerConnection } = {
      opening: this.#open(endpoint, CONTROL_TIMEOUT_MS),
    }
    this.#control.set(key, entry)
    const forget = () => {
      if (this.#control.get(key) === entry) this.#control.delete(key)
    }
    entry.opening.then((connection) => {
      entry.open = connection
      return connection.closed.then(forget)
    }, forget)
    return entry.opening
  }

  /**
   * A connection to a broker for one user alone, until released. `requestTimeoutMs` ends the connection when one
   * request takes longer.
   * @throws the client's connection errors; Problem kafka_unavailable where the broker is not known
   */
  async lease(nodeId: number, requestTimeoutMs = 30_000): Promise<BrokerConnection> {
    const endpoint = this.#endpoint(nodeId)
    const key = `${keyOf(endpoint)} ${requestTimeoutMs}`
    for (;;) {
      const connection = this.#idle.get(key)?.pop()
      if (connection === undefined) break
      if (!connection.usable) continue
      this.#leased.add(connection)
      return connection
    }
    const connection = await this.#open(endpoint, requestTimeoutMs)
    leaseKeys.set(connection, key)
    this.#leased.add(connection)
    void connection.closed.then(() => this.#leased.delete(connection))
    return connection
  }

  /** Gives a leased connection back. One with a call still under way must be destroyed instead. */
  release(connection: BrokerConnection): void {
    this.#leased.delete(connection)
    const key = leaseKeys.get(connection)
    const idle = key === undefined ? undefined : (this.#idle.get(key) ?? [])
    if (
      this.#closing.signal.aborted ||
      idle === undefined ||
      !connection.usable ||
      idle.length >= MAX_IDLE_CONNECTIONS
    ) {
      connection.destroy()
      return
    }
    idle.push(connection)
    this.#idle.set(key!, idle)
  }

  #endpoint(nodeId: number): Endpoint {
    const broker = this.#brokers.get(nodeId)
    if (broker === undefined) {
      throw new Problem('kafka_unavailable', { detail: 'The partition has no leader that can be reached.' })
    }
    return broker
  }

  async #open(endpoint: Endpoint, requestTimeoutMs: number): Promise<BrokerConnection> {
    if (this.#closing.signal.aborted) throw new Problem('shutting_down')
    return this.#connector.open(endpoint, requestTimeoutMs)
  }

  /** Ends every connection, those being opened as well. Calls under way fail. */
  async close(): Promise<void> {
    this.#closing.abort()
    const idle = [...this.#idle.values()].flat()
    for (const connection of [...this.#leased, ...idle]) connection.destroy()
    const control = await Promise.allSettled([...this.#control.values()].map((entry) => entry.opening))
    for (const result of control) if (result.status === 'fulfilled') result.value.destroy()
  }
}

/** Which pool a leased connection goes back to. */
const leaseKeys = new WeakMap<BrokerConnection, string>()

function toTopicInfo(topic: MetadataAnswer['topics'][number]): TopicInfo {
  const partitions: PartitionInfo[] = []
  for (const p of topic.partitions) {
    partitions[p.partitionIndex] = {
      partition: p.partitionIndex,
      leader: p.leaderId,
      leaderEpoch: p.leaderEpoch,
      replicas: p.replicaNodes,
      isr: p.isrNodes,
      offline: p.offlineReplicas,
    }
  }
  return { name: topic.name ?? '', id: topic.topicId, internal: topic.isInternal, partitions }
}

/** What is known now, told this: a broker that lags behind tells of earlier leaders and of fewer partitions. */
function newest(known: TopicInfo | undefined, told: TopicInfo): TopicInfo {
  if (known === undefined || known.id !== told.id) return told
  const count = Math.max(known.partitions.length, told.partitions.length)
  const partitions = Array.from({ length: count }, (_, i) => {
    const before = known.partitions[i]
    const now = told.partitions[i]
    return now !== undefined && now.leaderEpoch >= (before?.leaderEpoch ?? -1) ? now : before!
  })
  return { ...told, partitions }
}

export function parseEndpoint(address: string): Endpoint {
  const colon = address.lastIndexOf(':')
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
}

function keyOf(endpoint: Endpoint): string {
  return `${endpoint.host}:${endpoint.port}`
}
