import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerProduceRecords } from './produce-records.ts'

export function registerRecords(app: App, deps: Deps): void {
  registerProduceRecords(app, deps)
}
