import type { Cluster } from '../cluster.ts'
import type { Deadline } from '../deadline.ts'
import { quorumOf } from '../admin/cluster/quorum.ts'

/** How far the clock of the active controller is from this machine's. */
export interface ClockDifference {
  readonly controller: number
  /** Milliseconds that the controller is ahead; below 0 where it is behind. */
  readonly aheadMs: number
  /** Milliseconds by which that may be wrong: half of what the answer took. */
  readonly uncertaintyMs: number
}

/**
 * Reads the controller's clock without writing anything: asked about the metadata log, it says of itself that it fetched
 * last, and was caught up, at the moment of its answer (`LeaderState.describeReplicaState`). No other answer of Kafka's
 * has the time, so the clocks of the other brokers can't be read.
 * @returns undefined where Kafka is older than 3.3, has no such log (ZooKeeper), or doesn't let the gateway see it
 * @throws Problem kafka_unavailable, kafka_auth_failed
 */
export async function controllerClock(
  cluster: Cluster,
  deadline: Deadline,
): Promise<ClockDifference | undefined> {
  // The first answer may wait for a connection.
  await quorumOf(cluster, deadline)
  const asked = Date.now()
  const since = performance.now()
  const quorum = await quorumOf(cluster, deadline)
  const tookMs = performance.now() - since
  const leader = quorum?.voters.find(({ node }) => node === quorum.leader)
  if (quorum === undefined || typeof leader?.lastFetchTimestamp !== 'number') return undefined
  const uncertaintyMs = tookMs / 2
  return {
    controller: quorum.leader,
    aheadMs: leader.lastFetchTimestamp - (asked + uncertaintyMs),
    uncertaintyMs,
  }
}
