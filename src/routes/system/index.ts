import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerHealth } from './health.ts'

export function registerSystem(app: App, deps: Deps): void {
  registerHealth(app, deps)
}
