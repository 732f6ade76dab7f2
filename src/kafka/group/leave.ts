import { leaveGroup } from '../wire/group-apis.ts'
import type { GroupCoordinator } from './coordinator.ts'
import { pause } from './waiting.ts'

const RETRY_MS = 50

/**
 * Tells the group that the member is gone, so that others get its partitions at once. Tries until `by`; never rejects.
 * A static member may not know its id yet (''): then the instance id alone says who leaves.
 */
export async function sendLeave(
  coordinator: GroupCoordinator,
  groupId: string,
  memberId: string,
  groupInstanceId: string | null,
  by: number,
): Promise<void> {
  do {
    try {
      const members = [{ memberId, groupInstanceId, reason: 'the reader has gone' }]
      const answer = await coordinator.call(leaveGroup, groupId, members)
      const codes = [answer.errorCode, ...answer.members.map((member) => member.errorCode)]
      // Anything else, such as UNKNOWN_MEMBER_ID, means that the group has no such member any more.
      if (!codes.some((code) => coordinator.retriable(code))) return
    } catch {
      // The coordinator may have moved; where it cannot be reached, the session runs out by itself.
    }
    await pause(RETRY_MS)
  } while (performance.now() < by)
}
