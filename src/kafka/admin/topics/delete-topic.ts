import { Problem } from '../../../problems/problem.ts'
import type { Cluster, TopicInfo } from '../../cluster.ts'
import { changeCluster } from '../controller-call.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import { deleteTopics } from '../../wire/topic-apis.ts'
import { POLL_MS, SETTLE_MS, TIMEOUT_MS } from '../timeouts.ts'

/**
 * Deletes a topic, and waits until metadata no longer shows it.
 * @throws Problem topic_not_found, internal_topic, topic_deletion_disabled, kafka_authorization, kafka_unavailable,
 *   kafka_auth_failed
 */
export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  const deadline = new Deadline(TIMEOUT_MS)
  const topic = await deadline.within(cluster.refreshTopic(name))
  if (topic?.internal === true) throw new Problem('internal_topic')
  // By id (KIP-516), so that a second try cannot hit a topic of the same name made in between. By name where metadata
  // does not show it: the controller may know better.
  const target = topic === undefined ? { name } : { topicId: topic.id }
  const { answer, repeated } = await changeCluster(cluster, deadline, async (connection, timeoutMs) => {
    const { responses } = await connection.call(deleteTopics, [target], timeoutMs)
    return responses[0]!
  })
  const { errorCode, errorMessage } = answer
  const gone = errorCode === KafkaCode.UNKNOWN_TOPIC_ID || errorCode === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION
  cluster.forgetTopic(name)
  if (gone && !(repeated && topic !== undefined)) {
    throw new Problem('topic_not_found', { detail: `There is no topic ${name}.`, cause: errorMessage })
  }
  if (!gone && errorCode !== KafkaCode.NONE) throw problemFromKafkaCode(errorCode, undefined, errorMessage)
  await untilGone(cluster, name, topic?.id)
}

/**
 * The topic that deleteTopic() would delete.
 * @throws Problem topic_not_found, internal_topic, kafka_authorization, kafka_unavailable, kafka_auth_failed
 */
export async function findDoomed(cluster: Cluster, name: string): Promise<TopicInfo> {
  const topic = await new Deadline(TIMEOUT_MS).within(cluster.refreshTopic(name))
  if (topic === undefined) throw new Problem('topic_not_found', { detail: `There is no topic ${name}.` })
  if (topic.internal) throw new Problem('internal_topic')
  return topic
}

/** Bounded, and never an error: the controller has deleted it, and the brokers will learn of it. */
async function untilGone(cluster: Cluster, name: string, id: string | undefined): Promise<void> {
  const settle = new Deadline(SETTLE_MS)
  try {
    for (;;) {
      const topic = await settle.within(cluster.refreshTopic(name))
      if (topic === undefined || topic.id !== id) return
      cluster.forgetTopic(name)
      await settle.pause(POLL_MS)
    }
  } catch {
    cluster.forgetTopic(name)
  }
}
