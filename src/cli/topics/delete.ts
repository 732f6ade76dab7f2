import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { GatewayError } from '../errors.ts'
import { plural } from '../output/quantities.ts'
import { topicPath } from '../pages.ts'
import { partly } from '../partly.ts'
import { recordCount, type TopicDocument } from './documents.ts'

export interface DeleteOptions {
  readonly yes?: boolean
  readonly ifExists?: boolean
  readonly dryRun?: boolean
}

/** Looks first, so that a name that is wrong is found before anything is deleted. */
export async function deleteTopics(
  context: Context,
  options: DeleteOptions,
  names: readonly string[],
): Promise<void> {
  const { yes, ifExists = false, dryRun = false } = options
  const found: TopicDocument[] = []
  for (const name of names) {
    try {
      found.push((await context.gateway.json<TopicDocument>('GET', topicPath(name))).body)
    } catch (error) {
      if (!ifExists || !isMissing(error)) throw error
      context.say(`${name} is not there.`)
    }
  }
  const what = found
    .map((topic) => `${topic.name} with about ${plural(recordCount(topic), 'record')}`)
    .join(', ')
  let deleted = found.map(({ name }) => name)
  let failure: unknown
  if (dryRun) {
    if (what !== '') context.say(`Would delete ${what}.`)
  } else if (found.length > 0) {
    await confirm(`Delete ${what}`, { yes })
    ;({ done: deleted, failure } = await deleteEach(context, found, ifExists))
  }
  if (context.json) await context.print({ deleted, dryRun }, () => '')
  if (failure !== undefined) throw failure
}

/** Deletes one after the other; `failure` is why it went no further, where some were deleted before. */
async function deleteEach(
  context: Context,
  topics: readonly TopicDocument[],
  ifExists: boolean,
): Promise<{ done: string[]; failure?: unknown }> {
  const done: string[] = []
  for (const { name } of topics) {
    try {
      await context.gateway.json('DELETE', topicPath(name))
    } catch (error) {
      if (ifExists && isMissing(error)) continue
      if (done.length === 0) throw error
      return { done, failure: partly('deleted', done, error) }
    }
    done.push(name)
    context.say(`Deleted ${name}.`)
  }
  return { done }
}

function isMissing(error: unknown): boolean {
  return error instanceof GatewayError && error.problem.code === 'topic_not_found'
}
