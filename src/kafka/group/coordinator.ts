import type { ApiFamily, BrokerConnection } from '../broker-connection.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaCode } from '../errors.ts'
import { findCoordinator, GROUP_KEY } from '../wire/group-apis.ts'
import { Abandoned, GroupError } from './group-error.ts'

/** What the broker may take for a short call beyond which its connection counts as dead: between these, ms. */
const SHORTEST_CALL_MS = 1_000
const LONGEST_CALL_MS = 5_000
/** A join is answered within the rebalance timeout; this much later its connection counts as dead, ms. */
const JOIN_GRACE_MS = 5_000

/**
 * The broker that keeps the group, and a member's connections to it. Two, since a broker answers the requests of one
 * connection in turn and holds a JoinGroup until every member has come: heartbeats and commits have a line of their own.
 * Nothing is tried again in here; after a failed call the next one looks for the coordinator anew.
 */
export class GroupCoordinator {
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #callTimeoutMs: number
  readonly #joinTimeoutMs: number
  #node: Promise<number> | undefined
  #line: Promise<BrokerConnection> | undefined
  #closed = false

  constructor(
    cluster: Cluster,
    options: { groupId: string; sessionTimeoutMs: number; rebalanceTimeoutMs: number },
  ) {
    this.#cluster = cluster
    this.#groupId = options.groupId
    // Three tries fit into a session.
    const third = options.sessionTimeoutMs / 3
    this.#callTimeoutMs = Math.round(Math.min(Math.max(third, SHORTEST_CALL_MS), LONGEST_CALL_MS))
    this.#joinTimeoutMs = options.rebalanceTimeoutMs + JOIN_GRACE_MS
  }

  /**
   * Makes a short call. An answer that carries error numbers is returned; retriable() reads them.
   * @throws GroupError where no coordinator is known; the client's connection errors; Problem
   */
  async call<Args extends unknown[], Response>(
    family: ApiFamily<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    const line = (this.#line ??= this.#open(this.#callTimeoutMs))
    try {
      return await (await line).call(family, ...args)
    } catch (error) {
      this.#drop(line)
      throw error
    }
  }

  /**
   * Does something on a connection of its own, for calls that wait until all members have made them (JoinGroup, SyncGroup).
   * When the signal aborts the connection is cut: the call under way is of no use any more.
   * @throws as call()
   */
  async onOwnLine<T>(signal: AbortSignal, use: (line: BrokerConnection) => Promise<T>): Promise<T> {
    const line = await this.#open(this.#joinTimeoutMs)
    const cut = () => line.destroy()
    signal.addEventListener('abort', cut, { once: true })
    try {
      if (signal.aborted) throw signal.reason
      const result = await use(line)
      this.#cluster.release(line)
      return result
    } catch (error) {
      if (!signal.aborted && error instanceof GroupError) {
        // An answer, if not the one hoped for: the connection is good.
        this.#cluster.release(line)
        throw error
      }
      line.destroy()
      if (signal.aborted) throw signal.reason
      this.forget()
      throw error
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  /** Whether an answer's error number says to make the call again: the coordinator moved, is loading or had no time. */
  retriable(code: number): boolean {
    switch (code) {
      case KafkaCode.NOT_COORDINATOR:
      case KafkaCode.COORDINATOR_NOT_AVAILABLE:
        this.forget()
        return true
      case KafkaCode.COORDINATOR_LOAD_IN_PROGRESS:
      case KafkaCode.REQUEST_TIMED_OUT:
      case KafkaCode.UNSTABLE_OFFSET_COMMIT:
        return true
      default:
        return false
    }
  }

  /** The next call looks for the coordinator anew. Calls under way fail. */
  forget(): void {
    if (this.#line === undefined) this.#node = undefined
    else this.#drop(this.#line)
  }

  /** Cuts the connection; every later call fails. */
  close(): void {
    this.#closed = true
    this.forget()
  }

  #drop(line: Promise<BrokerConnection>): void {
    if (this.#line !== line) return
    this.#line = undefined
    this.#node = undefined
    line.then(
      (connection) => connection.destroy(),
      () => {},
    )
  }

  async #open(requestTimeoutMs: number): Promise<BrokerConnection> {
    if (this.#closed) throw new Abandoned('the member has left')
    const finding = (this.#node ??= this.#find())
    try {
      return await this.#cluster.lease(await finding, requestTimeoutMs)
    } catch (error) {
      if (this.#node === finding) this.#node = undefined
      throw error
    }
  }

  async #find(): Promise<number> {
    const answer = await this.#cluster.callAny((connection) =>
      connection.call(findCoordinator, GROUP_KEY, [this.#groupId]),
    )
    const found = answer.coordinators[0]
    if (found === undefined || found.errorCode !== KafkaCode.NONE) {
      throw new GroupError('FindCoordinator', found?.errorCode ?? KafkaCode.COORDINATOR_NOT_AVAILABLE)
    }
    // Where it listens is in the cluster's metadata; a new broker may not be in what we have of it.
    if (!this.#cluster.brokers.has(found.nodeId)) await this.#cluster.ping()
    return found.nodeId
  }
}
