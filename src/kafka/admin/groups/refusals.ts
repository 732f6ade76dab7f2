import { Problem } from '../../../problem.ts'
import type { GroupDescription } from './describe-group.ts'
import { quoted } from './group-call.ts'

/** @throws Problem group_type_unsupported */
export function refuseShareGroup({ group, type }: GroupDescription): void {
  if (type !== 'share') return
  const detail = `${quoted(group)} is a share group, which keeps no offset for each partition.`
  throw new Problem('group_type_unsupported', { detail })
}
