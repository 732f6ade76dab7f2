/** Where the gateways of a cluster keep the secret they sign with. */
export const SECRETS_TOPIC = '_sluice_secrets'

const internalTopics = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
  '__cluster_metadata',
  SECRETS_TOPIC,
])

/** Whether a topic is Kafka's or the gateway's own, which nobody reads or writes through the gateway. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}
