import type { Cluster } from '../cluster.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'
import { initProducerId } from '../wire/apis.ts'
import { Problem } from '../../problem.ts'

/** A producer id and epoch that Kafka gave out (KIP-98): with a sequence number they make a batch known again. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

const RETRY_MS = 50

/** The producer id that partitions start with. One process has one, until some partition has spent it. */
export class ProducerIds {
  readonly #cluster: Cluster
  #current: ProducerIdentity | undefined
  #fetching: Promise<void> | undefined
  #lastProblem: Problem | undefined
  #closed = false

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get current(): ProducerIdentity | undefined {
    return this.#current
  }

  /** Why there is none yet. */
  get lastProblem(): Problem | undefined {
    return this.#lastProblem
  }

  /** Fetches a new id; resolves when there is one. Tries until it succeeds or the writer closes. */
  renew(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  close(): void {
    this.#closed = true
  }

  async #fetch(): Promise<void> {
    while (!this.#closed) {
      try {
        const answer = await this.#cluster.callAny(async (connection) => {
          const answer = await connection.call(initProducerId, null, 0, -1n, -1)
          // Just after a broker starts it answers COORDINATOR_LOAD_IN_PROGRESS for a moment: another may know.
          if (answer.errorCode !== KafkaCode.NONE) throw new InitFailed(answer.errorCode)
          return answer
        })
        this.#current = { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
        this.#lastProblem = undefined
        return
      } catch (error) {
        this.#lastProblem = error instanceof InitFailed ? error.problem : problemFromKafka(error)
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref())
      }
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
