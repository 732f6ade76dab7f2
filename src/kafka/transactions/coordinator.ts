import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import {
  isConnectionError,
  KafkaCode,
  kafkaErrorName,
  problemFromKafka,
  problemFromKafkaCode,
} from '../errors.ts'
import { findCoordinator } from '../wire/group-apis.ts'
import { backoffMs } from '../writer/backoff.ts'
import { callBroker, Unanswered } from './broker-call.ts'

/** The coordinator is elsewhere, loading, busy with the transaction before, or had no time: the same call works later. */
const passing = new Set<number>([
  KafkaCode.NOT_COORDINATOR,
  KafkaCode.COORDINATOR_NOT_AVAILABLE,
  KafkaCode.COORDINATOR_LOAD_IN_PROGRESS,
  KafkaCode.CONCURRENT_TRANSACTIONS,
  KafkaCode.TRANSACTION_COORDINATOR_FENCED,
  KafkaCode.REQUEST_TIMED_OUT,
  KafkaCode.NOT_ENOUGH_REPLICAS,
  KafkaCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  KafkaCode.UNSTABLE_OFFSET_COMMIT,
  KafkaCode.KAFKA_STORAGE_ERROR,
])

/** One try takes so long at most, ms, so that another broker can be asked before the deadline. */
const TRY_MS = 2_000
const MAX_BACKOFF_MS = 200

export interface Answer<T> {
  readonly answer: T
  /** An earlier try of the same call may have been done. */
  readonly repeated: boolean
}

/** The broker that keeps a transactional id, or a group, and calls to it that are made until they are answered. */
export class Coordinator {
  readonly #cluster: Cluster
  readonly #keyType: number
  readonly #key: string
  #node: number | undefined

  constructor(cluster: Cluster, keyType: number, key: string) {
    this.#cluster = cluster
    this.#keyType = keyType
    this.#key = key
  }

  /** The broker that answered last, where one has. */
  get node(): number | undefined {
    return this.#node
  }

  /**
   * Makes a call again and again until its answer is final. `codesOf` reads the error numbers of an answer.
   * @throws Unanswered, saying whether any try was sent, when the deadline passes; Problem where the gateway may not
   * connect, or may not use the transactional id or group
   */
  async call<T>(
    deadline: Deadline,
    call: (connection: BrokerConnection) => Promise<T>,
    codesOf: (answer: T) => Iterable<number>,
  ): Promise<Answer<T>> {
    let sent = false
    let cause: unknown
    for (let tries = 0; !deadline.passed; tries++) {
      try {
        const turn = deadline.slice(TRY_MS)
        this.#node ??= await turn.within(this.#find())
        const answer = await callBroker(this.#cluster, this.#node, turn, call)
        const code = [...codesOf(answer)].find((code) => passing.has(code))
        if (code === undefined) return { answer, repeated: sent }
        // A coordinator that could not replicate what it wrote answers so, too.
        sent = true
        cause = kafkaErrorName(code)
        if (code !== KafkaCode.CONCURRENT_TRANSACTIONS) this.#node = undefined
      } catch (error) {
        this.#node = undefined
        if (error instanceof Unanswered) sent ||= error.sent
        cause = error instanceof Unanswered ? error.cause : error
        const problem = problemFromKafka(cause)
        if (problem.code !== 'kafka_unavailable' && !isConnectionError(cause) && !sent) throw problem
      }
      await deadline.pause(backoffMs(tries, MAX_BACKOFF_MS))
    }
    throw new Unanswered(sent, cause)
  }

  async #find(): Promise<number> {
    const answer = await this.#cluster.callAny((connection) =>
      connection.call(findCoordinator, this.#keyType, [this.#key]),
    )
    const found = answer.coordinators[0]
    const code = found?.errorCode ?? KafkaCode.COORDINATOR_NOT_AVAILABLE
    if (found === undefined || code !== KafkaCode.NONE) throw problemFromKafkaCode(code)
    return found.nodeId
  }
}
