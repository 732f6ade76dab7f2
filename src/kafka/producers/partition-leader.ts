import { Problem } from '../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { problemFromKafka } from '../errors.ts'
import { backoffMs } from '../writer/backoff.ts'

/** One partition of the topic that has this id, whatever there is under its name later. */
export interface PartitionTarget {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** A broker that lags may show an earlier topic of the name, or none: for so long it is asked again, ms. */
const LAG_MS = 500
const PAUSE_MS = 100
const MAX_BACKOFF_MS = 500

/** Finds the leader of a partition, as often as it moves, until a deadline. */
export class PartitionLeader {
  readonly #cluster: Cluster
  readonly #target: PartitionTarget
  readonly #deadline: Deadline
  #failures = 0

  constructor(cluster: Cluster, target: PartitionTarget, deadline: Deadline) {
    this.#cluster = cluster
    this.#target = target
    this.#deadline = deadline
  }

  /**
   * Node id of the leader as metadata has it.
   * @throws Problem topic_not_found, partition_not_found; producer_expired where the topic was made again;
   * kafka_unavailable at the deadline; kafka_auth_failed, kafka_authorization
   */
  async now(): Promise<number> {
    let info = this.#cluster.cachedTopic(this.#target.topic)
    let strangeSince: number | undefined
    let lookedUp = false
    for (;;) {
      if (info?.id === this.#target.topicId) {
        const leader = info.partitions[this.#target.partition]?.leader ?? -1
        if (leader >= 0 && this.#cluster.brokers.has(leader)) return leader
        if (this.#deadline.passed) throw noLeader()
      } else {
        strangeSince ??= performance.now()
        const lasted = performance.now() - strangeSince
        if (lasted >= LAG_MS || this.#deadline.passed) throw isOther(this.#target.topic, info)
      }
      if (lookedUp) await this.#deadline.pause(PAUSE_MS)
      lookedUp = true
      info = await this.#refreshed()
    }
  }

  async #refreshed(): Promise<TopicInfo | undefined> {
    for (;;) {
      try {
        return await this.#deadline.within(this.#cluster.refreshTopic(this.#target.topic))
      } catch (error) {
        const problem = problemFromKafka(error)
        if (problem.code !== 'kafka_unavailable' || this.#deadline.passed) throw problem
        await this.#deadline.pause(PAUSE_MS)
      }
    }
  }

  /** Backs off and has metadata asked, after the leader did not answer as such. False where no time is left. */
  async again(): Promise<boolean> {
    const pause = backoffMs(this.#failures++, MAX_BACKOFF_MS)
    if (this.#deadline.left <= pause) return false
    await this.#deadline.pause(pause)
    await this.#deadline.within(this.#cluster.refreshTopic(this.#target.topic)).catch(() => {})
    return !this.#deadline.passed
  }

  /** Whether metadata, asked now, says that another broker leads. Never rejects. */
  async isElsewhere(leader: number): Promise<boolean> {
    const info = await this.#cluster.refreshTopic(this.#target.topic).catch(() => undefined)
    if (info?.id !== this.#target.topicId) return false
    const current = info.partitions[this.#target.partition]?.leader ?? -1
    return current >= 0 && current !== leader
  }
}

function noLeader(): Problem {
  return new Problem('kafka_unavailable', { detail: 'The partition has no leader at the moment.' })
}

function isOther(topic: string, info: TopicInfo | undefined): Problem {
  if (info === undefined) return new Problem('topic_not_found', { detail: `There is no topic ${topic}.` })
  const detail = `The topic ${topic} was deleted and made again; the producer was of the old one.`
  return new Problem('producer_expired', { detail })
}
