import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerCreateTopic } from './create-topic.ts'
import { registerDeleteTopic } from './delete-topic.ts'
import { registerDescribeTopic } from './describe-topic.ts'
import { registerListTopics } from './list-topics.ts'

export function registerTopics(app: App, deps: Deps): void {
  registerListTopics(app, deps)
  registerCreateTopic(app, deps)
  registerDescribeTopic(app, deps)
  registerDeleteTopic(app, deps)
}
