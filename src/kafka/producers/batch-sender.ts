import { Problem } from '../../problems/problem.ts'
import type { BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { problemFromKafka } from '../errors.ts'
import type { ProduceResult } from '../wire/produce.ts'
import { type IdentifiedPart, produceOne } from '../wire/produce-one.ts'
import { mayHaveAppended, notWritten, verdictOf } from '../writer/verdict.ts'
import { KeyedGate } from './keyed-gate.ts'
import { PartitionLeader } from './partition-leader.ts'

/** Requests in flight to one broker, and of these for one partition: a stuck one must not hold up the others. */
const IN_FLIGHT = 16
const IN_FLIGHT_PARTITION = 8
/** A request that takes longer gives its place at the broker to another, ms. */
const SLOW_MS = 100
/** How often metadata is asked who leads while a request goes unanswered, ms. */
const LOOK_MS = 1_000

/** What the leader said to a batch in the end. */
export interface Sent {
  readonly result: ProduceResult
  /** An earlier try of this call went unanswered, or may have been appended all the same. */
  readonly inDoubt: boolean
}

/**
 * Sends one batch to the leader of its partition, the same bytes again and again, until it is answered: what the broker
 * has already it knows by producer, epoch and sequence (KIP-98).
 */
export class BatchSender {
  readonly #cluster: Cluster
  readonly #ackTimeoutMs: number
  readonly #brokers = new KeyedGate<number>(IN_FLIGHT)
  readonly #partitions = new KeyedGate<string>(IN_FLIGHT_PARTITION)
  readonly #idle = new Map<number, BrokerConnection[]>()

  /** A try that the broker itself has not finished after `ackTimeoutMs` is answered with an error. */
  constructor(cluster: Cluster, ackTimeoutMs: number) {
    this.#cluster = cluster
    this.#ackTimeoutMs = ackTimeoutMs
  }

  /**
   * Resolves with the first answer that trying again would not change.
   * @throws Problem write_unconfirmed where a try may have been appended by the deadline; kafka_unavailable,
   * not_enough_replicas where none was; topic_not_found, producer_expired, kafka_auth_failed, kafka_authorization
   */
  async send(part: IdentifiedPart, deadline: Deadline): Promise<Sent> {
    const leave = await this.#partitions.enter(`${part.topicId}/${part.partition}`, deadline)
    try {
      return await this.#untilAnswered(part, deadline)
    } finally {
      leave()
    }
  }

  async #untilAnswered(part: IdentifiedPart, deadline: Deadline): Promise<Sent> {
    const leader = new PartitionLeader(this.#cluster, part, deadline)
    let inDoubt = false
    let problem: Problem
    do {
      try {
        const result = await this.#try(part, leader, deadline)
        if (result instanceof Unanswered) {
          inDoubt = true
          problem = problemFromKafka(result.cause)
        } else {
          if (verdictOf(result.errorCode) !== 'retry') return { result, inDoubt }
          inDoubt ||= mayHaveAppended(result.errorCode)
          problem = notWritten(result.errorCode)
        }
      } catch (error) {
        problem = problemFromKafka(error)
        if (problem.code !== 'kafka_unavailable') break
      }
    } while (await leader.again())
    const { code, options, message, row } = problem
    // What is in doubt in a topic that is gone is gone with it.
    if (inDoubt && row.retryable) throw unconfirmed(options.cause ?? message)
    throw new Problem(code, { ...options, outcome: 'unknown' })
  }

  /** One request. @throws where nothing of it can have gone out */
  async #try(
    part: IdentifiedPart,
    leader: PartitionLeader,
    deadline: Deadline,
  ): Promise<ProduceResult | Unanswered> {
    const nodeId = await leader.now()
    const leave = await this.#brokers.enter(nodeId, deadline)
    const slow = setTimeout(leave, SLOW_MS)
    let look: NodeJS.Timeout | undefined
    try {
      const connection = await this.#connect(nodeId, deadline)
      // What an old leader appends yet it must give up again when it comes back.
      look = setInterval(() => {
        void leader.isElsewhere(nodeId).then((elsewhere) => elsewhere && connection.destroy())
      }, LOOK_MS)
      const timeoutMs = Math.ceil(Math.min(this.#ackTimeoutMs, Math.max(deadline.left, 1)))
      try {
        const result = await deadline.within(connection.call(produceOne, part, timeoutMs))
        this.#giveBack(nodeId, connection)
        return result
      } catch (cause) {
        connection.destroy()
        return new Unanswered(cause)
      }
    } finally {
      clearTimeout(slow)
      clearInterval(look)
      leave()
    }
  }

  async #connect(nodeId: number, deadline: Deadline): Promise<BrokerConnection> {
    const idle = this.#idle.get(nodeId)
    for (let connection = idle?.pop(); connection !== undefined; connection = idle?.pop())
      if (connection.usable) return connection
    const opening = this.#cluster.lease(nodeId, this.#ackTimeoutMs + 1_000)
    try {
      return await deadline.within(opening)
    } catch (error) {
      opening.then(
        (connection) => this.#giveBack(nodeId, connection),
        () => {},
      )
      throw error
    }
  }

  #giveBack(nodeId: number, connection: BrokerConnection): void {
    const idle = this.#idle.get(nodeId) ?? []
    this.#idle.set(nodeId, idle)
    if (idle.length < IN_FLIGHT && connection.usable) idle.push(connection)
    else connection.destroy()
  }
}

/** A request whose bytes may have gone out and that got no answer. */
class Unanswered {
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** A batch that may be in the log. */
export function unconfirmed(cause: unknown): Problem {
  return new Problem('write_unconfirmed', { outcome: 'unknown', cause })
}
