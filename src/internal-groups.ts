/** What groups are called that hold the ids of transactions rather than what anybody has read. */
export const MEMENTO_GROUP_PREFIX = 'sluice-id-'

/** Whether a group is the gateway's own: it is not listed, and nobody changes it. */
export function isInternalGroup(group: string): boolean {
  return group.startsWith(MEMENTO_GROUP_PREFIX)
}
