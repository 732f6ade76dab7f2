import type { BrokerConnection } from '../../src/kafka/broker-connection.ts'
import type { Cluster, TopicInfo } from '../../src/kafka/cluster.ts'
import { KafkaMeter } from '../../src/kafka/meter.ts'
import type { ProduceAnswer, ProducePart, ProduceResult } from '../../src/kafka/wire/produce.ts'
import { Problem } from '../../src/problems/problem.ts'
import { PartitionLog } from './partition-log.ts'

const PRODUCE = 0

/** A broker that a test tells how to behave. */
export class FakeBroker {
  readonly nodeId: number
  /** Refuses connections. */
  down = false
  /** Takes requests and answers none of them. */
  silent = false
  throttleMs = 0
  /** Answers one partition of a request, in place of the log; undefined leaves it to the log. */
  answers: (part: ProducePart) => Promise<ProduceResult> | undefined = () => undefined
  /** The requests that came, as `topic:partition`. */
  readonly requests: string[][] = []
  connects = 0
  open = 0
  readonly #kafka: FakeKafka

  constructor(kafka: FakeKafka, nodeId: number) {
    this.#kafka = kafka
    this.nodeId = nodeId
  }

  connect(): BrokerConnection {
    this.connects++
    if (this.down) throw new Problem('kafka_unavailable')
    this.open++
    const cut = Promise.withResolvers<never>()
    cut.promise.catch(() => {})
    const connection = {
      usable: true,
      call: ({ key }: { key: number }, parts: readonly ProducePart[]) =>
        key === PRODUCE ? Promise.race([cut.promise, this.#produce(parts)]) : this.#kafka.newProducerId(),
      destroy: () => {
        if (!connection.usable) return
        connection.usable = false
        this.open--
        cut.reject(new Error('cut'))
      },
    }
    return connection as unknown as BrokerConnection
  }

  async #produce(parts: readonly ProducePart[]): Promise<ProduceAnswer> {
    this.requests.push(parts.map(({ topic, partition }) => `${topic}:${partition}`))
    if (this.silent) return new Promise(() => {})
    const results = new Map<string, Map<number, ProduceResult>>()
    const answers = parts.map(async (part) => {
      const answer = await (this.answers(part) ??
        this.#kafka.log(part.topic, part.partition).append(part.batch))
      results.set(part.topic, (results.get(part.topic) ?? new Map()).set(part.partition, answer))
    })
    await Promise.all(answers)
    // As over a network: never in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve))
    return { results, throttleMs: this.throttleMs }
  }
}

/** A Kafka that lives in this process, for what real ones do too rarely or too slowly. */
export class FakeKafka {
  readonly brokers: readonly FakeBroker[]
  readonly #topics = new Map<string, TopicInfo>()
  readonly #known = new Map<string, TopicInfo>()
  readonly #logs = new Map<string, PartitionLog>()
  /** Where set, metadata is asked for in vain. */
  unreachable = false
  lookUps = 0
  producerIds = 0
  readonly meter = new KafkaMeter()

  constructor(brokers = 1) {
    this.brokers = Array.from({ length: brokers }, (_, i) => new FakeBroker(this, i + 1))
  }

  /** Makes a topic, or changes the leaders of one: a node id for each partition. */
  lead(name: string, leaders: readonly number[], id = name): void {
    const partitions = leaders.map((leader, partition) => {
      return { partition, leader, leaderEpoch: 0, replicas: [leader], isr: [leader], offline: [] }
    })
    this.#topics.set(name, { name, id, internal: false, partitions })
  }

  /** Takes a topic away from metadata; what its partitions hold stays. */
  hide(name: string): void {
    this.#topics.delete(name)
    this.#known.delete(name)
  }

  log(topic: string, partition: number): PartitionLog {
    const name = `${topic}:${partition}`
    const log = this.#logs.get(name) ?? new PartitionLog()
    this.#logs.set(name, log)
    return log
  }

  newProducerId(): Promise<object> {
    return Promise.resolve({ errorCode: 0, producerId: BigInt(++this.producerIds), producerEpoch: 0 })
  }

  /** What the writer sees of it. */
  get cluster(): Cluster {
    const refreshTopic = async (name: string) => {
      this.lookUps++
      await new Promise((resolve) => setImmediate(resolve))
      if (this.unreachable) throw new Problem('kafka_unavailable')
      const info = this.#topics.get(name)
      if (info === undefined) this.#known.delete(name)
      else this.#known.set(name, info)
      return info
    }
    const cluster = {
      meter: this.meter,
      brokers: new Map(this.brokers.map((broker) => [broker.nodeId, broker])),
      cachedTopic: (name: string) => this.#known.get(name),
      topic: async (name: string) => this.#known.get(name) ?? refreshTopic(name),
      refreshTopic,
      lease: async (nodeId: number) => this.brokers[nodeId - 1]!.connect(),
      callAny: async <T>(call: (connection: BrokerConnection) => Promise<T>) => {
        const broker = this.brokers.find(({ down }) => !down)
        if (this.unreachable || broker === undefined) throw new Problem('kafka_unavailable')
        return call(broker.connect())
      },
    }
    return cluster as unknown as Cluster
  }
}
