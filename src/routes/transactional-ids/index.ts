import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerAbortHanging } from './abort-hanging.ts'
import { registerAbortTransaction } from './abort-transaction.ts'
import { registerDescribeTransactionalId } from './describe-transactional-id.ts'
import { registerListHanging } from './list-hanging.ts'
import { registerListProducers } from './list-producers.ts'
import { registerListTransactionalIds } from './list-transactional-ids.ts'

export function registerTransactionalIds(app: App, deps: Deps): void {
  registerListTransactionalIds(app, deps)
  registerDescribeTransactionalId(app, deps)
  registerAbortTransaction(app, deps)
  registerListProducers(app, deps)
  registerAbortHanging(app, deps)
  registerListHanging(app, deps)
}
