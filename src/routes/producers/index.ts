import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerOpenProducer } from './open-producer.ts'
import { registerProduceRecordsOnce } from './produce-records-once.ts'

export function registerProducers(app: App, deps: Deps): void {
  registerOpenProducer(app, deps)
  registerProduceRecordsOnce(app, deps)
}
