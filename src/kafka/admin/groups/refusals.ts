import { isInternalGroup } from '../../../internal-groups.ts'
import { Problem } from '../../../problems/problem.ts'
import type { GroupDescription } from './describe-group.ts'
import { hasMembers, noSuchGroup, quoted } from './group-call.ts'

/** Nobody changes the gateway's own groups. @throws Problem group_not_found */
export function refuseInternalGroup(group: string): void {
  if (isInternalGroup(group)) throw noSuchGroup(group)
}

/** @throws Problem group_type_unsupported */
export function refuseShareGroup({ group, type }: GroupDescription): void {
  if (type !== 'share') return
  const detail = `${quoted(group)} is a share group, which keeps no offset for each partition.`
  throw new Problem('group_type_unsupported', { detail })
}

/** @throws Problem group_active */
export function refuseActiveGroup({ group, state, members }: GroupDescription): void {
  // The members of a streams group are not known here, and its state says whether it has any.
  const isEmpty = members === null ? state === 'Empty' : members.length === 0
  if (!isEmpty) throw hasMembers(group)
}
