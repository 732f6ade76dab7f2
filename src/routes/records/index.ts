import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerProduceRecords } from './produce-records.ts'
import { registerReadRecord } from './read-record.ts'
import { registerReadRecords } from './read-records.ts'

export function registerRecords(app: App, deps: Deps): void {
  registerProduceRecords(app, deps)
  registerReadRecords(app, deps)
  registerReadRecord(app, deps)
}
