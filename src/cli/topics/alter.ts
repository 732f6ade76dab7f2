import type { Context } from '../context.ts'
import { parseCount } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { topicPath } from '../pages.ts'
import { type ConfigChanges, configChanges } from './assignments.ts'

export interface AlterOptions extends ConfigChanges {
  readonly partitions?: string
  readonly retention?: string
  readonly cleanup?: string
  readonly dryRun?: boolean
}

interface Plan {
  readonly partitions: { readonly before: number; readonly after: number }
  readonly configs: readonly {
    readonly name: string
    readonly before: string | null
    readonly after: string | null
  }[]
}

export async function alterTopic(context: Context, options: AlterOptions, name: string): Promise<void> {
  const { partitions, retention, cleanup, dryRun = false } = options
  const change = configChanges(options, {
    ...(partitions !== undefined && { partitions: parseCount(partitions, '--partitions', 1) }),
    ...(retention !== undefined && { retention: orDefault(retention) }),
    ...(cleanup !== undefined && { cleanup: orDefault(cleanup) }),
  })
  const { body } = await context.gateway.json('PATCH', topicPath(name), {
    body: { ...change, ...(dryRun && { validateOnly: true }) },
  })
  if (dryRun || context.json) await context.print(body, () => planTable(context, body as Plan))
  context.say(dryRun ? `Kafka would change ${name} so.` : `Changed ${name}.`)
}

/** `default` stands for what the topic has when nothing is set on it. */
function orDefault(text: string): string | null {
  return text === 'default' ? null : text
}

function planTable({ style }: Context, { partitions, configs }: Plan): string {
  const rows = [
    ...(partitions.before === partitions.after ? [] : [{ name: 'partitions', ...partitions }]),
    ...configs,
  ]
  return table<{ name: string; before: string | number | null; after: string | number | null }>(
    rows,
    [
      { title: 'WHAT', value: (row) => row.name },
      { title: 'BEFORE', value: (row) => row.before },
      { title: 'AFTER', value: (row) => row.after ?? 'default' },
    ],
    style,
  )
}
