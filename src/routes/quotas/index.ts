import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerChangeQuotas } from './change-quotas.ts'
import { registerListQuotas } from './list-quotas.ts'

export function registerQuotas(app: App, deps: Deps): void {
  registerListQuotas(app, deps)
  registerChangeQuotas(app, deps)
}
