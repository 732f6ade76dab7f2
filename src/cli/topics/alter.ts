import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { parseCount } from '../output/quantities.ts'
import { topicPath } from '../pages.ts'
import { nameLists, nameValues } from './assignments.ts'

export interface AlterOptions {
  readonly partitions?: string
  readonly config?: readonly string[]
  readonly unset?: readonly string[]
  readonly append?: readonly string[]
  readonly subtract?: readonly string[]
  readonly retention?: string
  readonly cleanup?: string
  readonly dryRun?: boolean
}

export async function alterTopic(context: Context, options: AlterOptions, name: string): Promise<void> {
  const { partitions, config = [], unset = [], append, subtract, retention, cleanup, dryRun } = options
  const configs = {
    ...nameValues(config, '--config'),
    ...Object.fromEntries(unset.map((unsetName) => [unsetName, null])),
  }
  const change = {
    ...(partitions !== undefined && { partitions: parseCount(partitions, '--partitions', 1) }),
    ...(Object.keys(configs).length > 0 && { configs }),
    ...(append !== undefined && { append: nameLists(append, '--append') }),
    ...(subtract !== undefined && { subtract: nameLists(subtract, '--subtract') }),
    ...(retention !== undefined && { retention }),
    ...(cleanup !== undefined && { cleanup }),
  }
  if (Object.keys(change).length === 0)
    throw new UsageError('nothing to change', 'Add --help to see what can be.')
  const { body } = await context.gateway.json('PATCH', topicPath(name), {
    body: { ...change, ...(dryRun === true && { validateOnly: true }) },
  })
  context.say(dryRun === true ? `Kafka would change ${name} so.` : `Changed ${name}.`)
  if (context.json) await context.print(body, () => '')
}
