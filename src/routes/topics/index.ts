import type { Deps } from '../../deps.ts'
import type { App } from '../route.ts'
import { registerAlterTopic } from './alter-topic.ts'
import { registerCreateTopic } from './create-topic.ts'
import { registerDeleteTopic } from './delete-topic.ts'
import { registerDescribeTopic } from './describe-topic.ts'
import { registerListTopics } from './list-topics.ts'
import { registerTruncateTopic } from './truncate-topic.ts'

export function registerTopics(app: App, deps: Deps): void {
  registerListTopics(app, deps)
  registerCreateTopic(app, deps)
  registerDescribeTopic(app, deps)
  registerAlterTopic(app, deps)
  registerDeleteTopic(app, deps)
  registerTruncateTopic(app, deps)
}
