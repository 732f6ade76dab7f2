import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerCreateAcls } from './create-acls.ts'
import { registerDeleteAcls } from './delete-acls.ts'
import { registerListAcls } from './list-acls.ts'

export function registerAcls(app: App, deps: Deps): void {
  registerListAcls(app, deps)
  registerCreateAcls(app, deps)
  registerDeleteAcls(app, deps)
}
