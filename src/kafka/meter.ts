import { protocolAPIsById } from '@platformatic/kafka'
import { Histogram } from '../metrics/histogram.ts'
import { TopicTraffic } from '../metrics/topic-traffic.ts'

/** Seconds: a broker near by answers in a millisecond; a fetch waits, and a produce may for its replicas. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const RECORDS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 524_288, 1_048_576]
const TOPICS = 100

/** The calls of one Kafka API. */
export class CallTally {
  /** By its name in the protocol, such as Produce. */
  readonly api: string
  readonly seconds = new Histogram(SECONDS)
  /** Calls that no answer came to. */
  unanswered = 0
  /** Answers that were errors as a whole. What is wrong with single partitions is not counted here. */
  refused = 0

  constructor(key: number) {
    this.api = protocolAPIsById[key as keyof typeof protocolAPIsById] ?? String(key)
  }
}

/** What passes between the gateway and Kafka, counted in plain numbers. */
export class KafkaMeter {
  readonly traffic: TopicTraffic
  readonly batchRecords = new Histogram(RECORDS)
  readonly batchBytes = new Histogram(BYTES)
  connections = 0
  failedConnects = 0
  /** By API key. */
  readonly #calls: CallTally[] = []

  /** So many topics are told apart. */
  constructor({ topics = TOPICS }: { readonly topics?: number } = {}) {
    this.traffic = new TopicTraffic(topics)
  }

  calls(key: number): CallTally {
    return (this.#calls[key] ??= new CallTally(key))
  }

  get allCalls(): readonly CallTally[] {
    return this.#calls.filter((tally) => tally !== undefined)
  }
}
