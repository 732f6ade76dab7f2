import type { Cluster, TopicInfo } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { POLL_MS, SETTLE_MS } from '../timeouts.ts'
import { type Bounds, boundsOf } from './topic-offsets.ts'

/**
 * Polls until metadata shows the topic as it was made and each partition's leader answers for it; of the leaders, half the
 * time is waited for at most: the topic is as it is either way.
 * @param isNew tells it from what a broker that lags may still show
 * @param firstNew the first partition that must have a leader: earlier ones may have lost theirs
 * @throws Problem kafka_unavailable where no broker shows it in time, kafka_authorization, kafka_auth_failed
 */
export async function untilServed(
  cluster: Cluster,
  name: string,
  isNew: (topic: TopicInfo) => boolean,
  deadline: Deadline,
  firstNew = 0,
): Promise<{ topic: TopicInfo; bounds: Map<number, Bounds> }> {
  const settle = new Deadline(SETTLE_MS)
  for (;;) {
    cluster.forgetTopic(name)
    const topic = await deadline.within(cluster.refreshTopic(name))
    if (topic !== undefined && isNew(topic)) {
      const bounds = await boundsOf(cluster, topic, settle)
      const isServed = topic.partitions.every(
        ({ partition, leader }) => bounds.has(partition) || (partition < firstNew && leader < 0),
      )
      if (isServed || settle.passed) return { topic, bounds }
    }
    await deadline.pause(POLL_MS)
  }
}
