import { randomBytes } from 'node:crypto'
import { Problem } from '../../problems/problem.ts'
import type { Cluster } from '../cluster.ts'
import { ID_PREFIX } from './transaction-key.ts'
import { TransactionalProducer } from './transactional-producer.ts'

/**
 * Kafka makes a transactional id wait until the markers of its last transaction are in every partition. One that
 * has rested so long, ms, need not.
 */
const REST_MS = 50

interface Rested {
  readonly producer: TransactionalProducer
  /** By performance.now(). */
  readonly since: number
}

/**
 * The process's transactional ids: each carries one transaction at a time, so that none waits for another, and is used
 * again afterwards, since Kafka remembers every id for a week.
 */
export class ProducerPool {
  readonly #cluster: Cluster
  readonly #timeoutMs: number
  readonly #limit: number
  readonly #name = `${ID_PREFIX}${BigInt(`0x${randomBytes(6).toString('hex')}`).toString(36)}`
  /** Those that rest, longest first. */
  readonly #idle: Rested[] = []
  #made = 0
  #active = 0

  constructor(cluster: Cluster, options: { timeoutMs: number; limit: number }) {
    this.#cluster = cluster
    this.#timeoutMs = options.timeoutMs
    this.#limit = options.limit
  }

  /**
   * A producer for one transaction.
   * @throws Problem overloaded where as many transactions are under way as may be
   */
  take(): TransactionalProducer {
    this.#enter()
    const rested = this.#idle[0]
    const mayMake = this.#active + this.#idle.length <= this.#limit
    if (rested !== undefined && (!mayMake || performance.now() - rested.since >= REST_MS)) {
      this.#idle.shift()
      return rested.producer
    }
    return this.#make(`${this.#name}-${this.#made++}`)
  }

  /** A producer with a transactional id of its own, not to be given back. @throws as take() */
  takeNamed(transactionalId: string): TransactionalProducer {
    this.#enter()
    return this.#make(transactionalId)
  }

  #make(transactionalId: string): TransactionalProducer {
    return new TransactionalProducer(this.#cluster, transactionalId, this.#timeoutMs)
  }

  #enter(): void {
    if (this.#active >= this.#limit) {
      throw new Problem('overloaded', {
        detail: `${this.#limit} transactions are under way, as many as may be at once.`,
        retryAfter: 1,
      })
    }
    this.#active++
  }

  /** Takes back a producer whose transaction has ended. */
  giveBack(producer: TransactionalProducer): void {
    this.#active--
    if (!producer.exhausted) this.#idle.push({ producer, since: performance.now() })
  }

  /** Lets go of a producer: it was named, or nobody knows how its transaction ended, which its id is there to ask for. */
  discard(): void {
    this.#active--
  }
}
