import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerDeleteUser } from './delete-user.ts'
import { registerDescribeUser } from './describe-user.ts'
import { registerListUsers } from './list-users.ts'
import { registerSetPassword } from './set-password.ts'

export function registerUsers(app: App, deps: Deps): void {
  registerListUsers(app, deps)
  registerDescribeUser(app, deps)
  registerSetPassword(app, deps)
  registerDeleteUser(app, deps)
}
