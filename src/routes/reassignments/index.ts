import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerCancelReassignments } from './cancel-reassignments.ts'
import { registerListReassignments } from './list-reassignments.ts'
import { registerRemoveThrottle } from './remove-throttle.ts'
import { registerStartReassignments } from './start-reassignments.ts'

export function registerReassignments(app: App, deps: Deps): void {
  registerListReassignments(app, deps)
  registerStartReassignments(app, deps)
  registerCancelReassignments(app, deps)
  registerRemoveThrottle(app, deps)
}
