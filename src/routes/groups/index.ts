import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerDescribeGroup } from './describe-group.ts'
import { registerListGroupOffsets } from './list-group-offsets.ts'
import { registerListGroups } from './list-groups.ts'

export function registerGroups(app: App, deps: Deps): void {
  registerListGroups(app, deps)
  registerDescribeGroup(app, deps)
  registerListGroupOffsets(app, deps)
}
