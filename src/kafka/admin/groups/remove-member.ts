import { Problem } from '../../../problems/problem.ts'
import type { Cluster } from '../../cluster.ts'
import { Deadline } from '../../deadline.ts'
import { KafkaCode } from '../../errors.ts'
import { leaveGroup } from '../../wire/group-apis.ts'
import { TIMEOUT_MS } from '../timeouts.ts'
import { describeGroup, type MemberDescription } from './describe-group.ts'
import { callGroup, groupProblem, quoted } from './group-call.ts'
import { refuseInternalGroup, refuseShareGroup } from './refusals.ts'

/** Told to the broker (KIP-800), whose log shows it. */
const REASON = 'removed over HTTP'

/**
 * Has a member leave its group on its behalf, so that others get its partitions at once. One that is still running joins
 * again.
 * @param who by its id, or by the instance id of a static member (KIP-345)
 * @param dryRun only look who it is
 * @returns the member as it was
 * @throws Problem group_not_found, member_not_found, group_type_unsupported, kafka_authorization, kafka_unavailable,
 *   kafka_auth_failed
 */
export async function removeMember(
  cluster: Cluster,
  group: string,
  who: { readonly member: string } | { readonly instanceId: string },
  dryRun: boolean,
): Promise<MemberDescription> {
  refuseInternalGroup(group)
  const deadline = new Deadline(TIMEOUT_MS)
  const description = await describeGroup(cluster, group, deadline)
  refuseShareGroup(description)
  if (description.members === null) {
    const detail = `${quoted(group)} is a streams group, whose members Kafka Streams alone removes.`
    throw new Problem('group_type_unsupported', { detail })
  }
  const found = description.members.find((member) =>
    'member' in who ? member.member === who.member : member.instanceId === who.instanceId,
  )
  const missing = () => {
    const name = 'member' in who ? quoted(who.member) : `with instance id ${quoted(who.instanceId)}`
    return new Problem('member_not_found', { detail: `Group ${quoted(group)} has no member ${name}.` })
  }
  if (found === undefined) throw missing()
  if (dryRun) return found
  // Of a static member Kafka wants its instance id; with the member's id as well it leaves alone whoever took its place.
  const { member, instanceId } = found
  const memberId = 'member' in who || instanceId === null ? member : ''
  const leaving = [{ memberId, groupInstanceId: instanceId, reason: REASON }]
  const { answer, repeated } = await callGroup(
    cluster,
    group,
    deadline,
    (connection) => connection.call(leaveGroup, group, leaving),
    (answer) => [answer.errorCode, ...answer.members.map(({ errorCode }) => errorCode)],
  )
  const code = answer.errorCode || (answer.members[0]?.errorCode ?? KafkaCode.NONE)
  const gone = code === KafkaCode.UNKNOWN_MEMBER_ID || code === KafkaCode.FENCED_INSTANCE_ID
  if (gone && !repeated) throw missing()
  if (code !== KafkaCode.NONE && !gone) throw groupProblem(code, group)
  return found
}
