import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerElectLeaders } from './elect-leaders.ts'

export function registerElections(app: App, deps: Deps): void {
  registerElectLeaders(app, deps)
}
