import { onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import type { BrokerConnection } from '../../src/kafka/broker-connection.ts'
import { Cluster, type TopicInfo } from '../../src/kafka/cluster.ts'
import type { FetchAnswer } from '../../src/kafka/wire/fetch.ts'
import { brokers } from './kafka.ts'

/** A cluster that shows the connections leased from it and the fetch answers that come on them. */
export class WatchedCluster extends Cluster {
  readonly leased = new Set<BrokerConnection>()
  /** Leases and refreshes asked for, whatever came of them. */
  attempts = 0
  /** Different connections that were leased. */
  opened = 0
  fetches = 0
  fetchedBytes = 0
  /** May change an answer before its reader sees it. */
  onAnswer: (answer: FetchAnswer) => void = () => {}

  static start(bootstrap = brokers()): WatchedCluster {
    const cluster = new WatchedCluster(loadConfig({ KAFKA_BROKERS: bootstrap }).kafka)
    onTestFinished(() => cluster.close())
    return cluster
  }

  override async lease(nodeId: number, requestTimeoutMs?: number): Promise<BrokerConnection> {
    this.attempts++
    const connection = await super.lease(nodeId, requestTimeoutMs)
    if (!Object.hasOwn(connection, 'call')) {
      this.opened++
      const call = connection.call.bind(connection) as (...args: unknown[]) => Promise<unknown>
      const watched = async (...args: unknown[]) => {
        const answer = (await call(...args)) as FetchAnswer
        this.fetches++
        for (const partition of answer.partitions) this.fetchedBytes += partition.records?.length ?? 0
        this.onAnswer(answer)
        return answer
      }
      Object.defineProperty(connection, 'call', { value: watched })
    }
    this.leased.add(connection)
    return connection
  }

  override refreshTopic(name: string): Promise<TopicInfo | undefined> {
    this.attempts++
    return super.refreshTopic(name)
  }

  override release(connection: BrokerConnection): void {
    this.leased.delete(connection)
    super.release(connection)
  }
}
