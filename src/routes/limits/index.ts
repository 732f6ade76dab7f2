import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerGetLimits } from './get-limits.ts'

export function registerLimits(app: App, deps: Deps): void {
  registerGetLimits(app, deps)
}
