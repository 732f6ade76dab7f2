import type { Context } from '../context.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { countText, durationText } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { segment } from '../pages.ts'

interface OffsetDocument extends Part {
  readonly topic: string
  readonly partition: number
  readonly offset: number | null
  readonly latestOffset: number | null
  readonly lag: number | null
  readonly lagMs: number | null
  readonly member: string | null
}

export async function showLag(
  context: Context,
  { topic }: { readonly topic?: readonly string[] },
  group: string,
): Promise<void> {
  const path = `/v1/groups/${segment(group)}/offsets`
  const { body } = await context.gateway.json<{ offsets: readonly OffsetDocument[]; lag: number }>(
    'GET',
    path,
    {
      query: { topic },
    },
  )
  const { offsets, lag } = body
  noteParts(offsets)
  await context.print(body, () => {
    const rows = table(
      offsets,
      [
        { title: 'TOPIC', value: (row) => row.topic },
        { title: 'PARTITION', value: (row) => row.partition, right: true },
        { title: 'COMMITTED', value: (row) => row.offset, right: true },
        { title: 'LATEST', value: (row) => row.latestOffset, right: true },
        {
          title: 'LAG',
          value: (row) => row.lag,
          right: true,
          paint: (row, style) => ((row.lag ?? 0) > 0 ? style.yellow : style.green),
        },
        { title: 'BEHIND', value: (row) => durationText(row.lagMs), right: true },
        { title: 'MEMBER', value: (row) => row.member },
        ...errorColumns(offsets),
      ],
      context.style,
    )
    return `${rows}\n${countText(lag)} behind in all.\n`
  })
}
