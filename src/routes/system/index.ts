import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerContractFiles } from './contract-files.ts'
import { registerDocs } from './docs.ts'
import { registerHealth } from './health.ts'
import { registerProblemPages } from './problem-pages.ts'

export function registerSystem(app: App, deps: Deps): void {
  registerHealth(app, deps)
  registerContractFiles(app)
  registerDocs(app)
  registerProblemPages(app)
}
