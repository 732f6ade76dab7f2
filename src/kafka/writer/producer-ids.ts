import type { Cluster } from '../cluster.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'
import { initProducerId } from '../wire/apis.ts'
import { Problem } from '../../problems/problem.ts'
import { backoffMs } from './backoff.ts'

/** A producer id and epoch that Kafka gave out (KIP-98): with a sequence number they make a batch known again. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

const MAX_RETRY_MS = 500

/** The producer id that partitions start with. One process has one, until some partition has spent it. */
export class ProducerIds {
  readonly #cluster: Cluster
  readonly #onReady: () => void
  #current: ProducerIdentity | undefined
  #fetching = false
  #failures = 0
  #lastProblem: Problem | undefined
  #closed = false

  /** `onReady` is called each time there is a new id. */
  constructor(cluster: Cluster, onReady: () => void) {
    this.#cluster = cluster
    this.#onReady = onReady
  }

  get current(): ProducerIdentity | undefined {
    return this.#current
  }

  /** Why there is none yet. */
  get lastProblem(): Problem | undefined {
    return this.#lastProblem
  }

  /** Has a new id fetched, if that is not under way. Tries until it succeeds or the writer closes. */
  renew(): void {
    if (this.#fetching || this.#closed) return
    this.#fetching = true
    void this.#fetch()
  }

  /** Gives the current id to no more partitions: some that have used it are about to be forgotten. */
  retire(): void {
    this.#current = undefined
  }

  close(): void {
    this.#closed = true
  }

  async #fetch(): Promise<void> {
    try {
      const answer = await this.#cluster.callAny(async (connection) => {
        const answer = await connection.call(initProducerId, null, 0, -1n, -1)
        // Just after a broker starts it answers COORDINATOR_LOAD_IN_PROGRESS for a moment: another may know.
        if (answer.errorCode !== KafkaCode.NONE) throw new InitFailed(answer.errorCode)
        return answer
      })
      this.#current = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
      this.#fetching = false
      this.#failures = 0
      this.#lastProblem = undefined
      if (!this.#closed) this.#onReady()
    } catch (error) {
      const problem = error instanceof InitFailed ? error.problem : problemFromKafka(error)
      this.#lastProblem = new Problem(problem.code, { ...problem.options, outcome: 'not_written' })
      setTimeout(
        () => {
          this.#fetching = false
          this.renew()
        },
        backoffMs(this.#failures++, MAX_RETRY_MS),
      ).unref()
    }
  }
}

class InitFailed extends Error {
  readonly problem: Problem
  constructor(code: number) {
    super(kafkaErrorName(code))
    const name = code === KafkaCode.CLUSTER_AUTHORIZATION_FAILED ? 'kafka_authorization' : 'kafka_unavailable'
    this.problem = new Problem(name, { outcome: 'not_written', cause: this.message })
  }
}
