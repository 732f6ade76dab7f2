import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { parseCount, plural } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { topicPath } from '../pages.ts'
import { position } from '../positions.ts'

export interface TruncateOptions {
  readonly before: string
  readonly partition?: string
  readonly yes?: boolean
  readonly dryRun?: boolean
}

interface Truncation {
  readonly partitions: readonly (Part & {
    readonly partition: number
    readonly earliestOffset: number
    readonly newEarliestOffset: number | null
    readonly latestOffset: number
    readonly records: number | null
  })[]
  readonly dryRun: boolean
}

/** Asks what it would delete before it asks whether to. */
export async function truncateTopic(context: Context, options: TruncateOptions, name: string): Promise<void> {
  const { before, partition, yes, dryRun = false } = options
  const query = {
    before: position(before, '--before'),
    partition: partition === undefined ? undefined : parseCount(partition, '--partition'),
  }
  const path = topicPath(name, '/records')
  let { body } = await context.gateway.json<Truncation>('DELETE', path, { query: { ...query, dryRun: true } })
  if (!dryRun) {
    const records = body.partitions.reduce((sum, { records }) => sum + (records ?? 0), 0)
    await confirm(`Delete ${plural(records, 'record')} of ${name}`, { yes })
    ;({ body } = await context.gateway.json<Truncation>('DELETE', path, { query }))
  }
  noteParts(body.partitions)
  await context.print(body, () =>
    table(
      body.partitions,
      [
        { title: 'PARTITION', value: (row) => row.partition, right: true },
        { title: 'EARLIEST', value: (row) => row.earliestOffset, right: true },
        { title: dryRun ? 'WOULD BE' : 'NOW', value: (row) => row.newEarliestOffset, right: true },
        { title: 'LATEST', value: (row) => row.latestOffset, right: true },
        { title: dryRun ? 'WOULD GO' : 'DELETED', value: (row) => row.records, right: true },
        ...errorColumns(body.partitions),
      ],
      context.style,
    ),
  )
}
