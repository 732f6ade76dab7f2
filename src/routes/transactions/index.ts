import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerCommitTransaction } from './commit-transaction.ts'
import { registerFindTransaction } from './find-transaction.ts'

export function registerTransactions(app: App, deps: Deps): void {
  registerCommitTransaction(app, deps)
  registerFindTransaction(app, deps)
}
