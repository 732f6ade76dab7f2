import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerDeleteGroup } from './delete-group.ts'
import { registerDeleteOffsets } from './delete-offsets.ts'
import { registerDescribeGroup } from './describe-group.ts'
import { registerListGroupOffsets } from './list-group-offsets.ts'
import { registerListGroups } from './list-groups.ts'
import { registerRemoveInstance } from './remove-instance.ts'
import { registerRemoveMember } from './remove-member.ts'
import { registerResetOffsets } from './reset-offsets.ts'

export function registerGroups(app: App, deps: Deps): void {
  registerListGroups(app, deps)
  registerDescribeGroup(app, deps)
  registerDeleteGroup(app, deps)
  registerListGroupOffsets(app, deps)
  registerResetOffsets(app, deps)
  registerDeleteOffsets(app, deps)
  registerRemoveMember(app, deps)
  registerRemoveInstance(app, deps)
}
