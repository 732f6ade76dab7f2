import type { Context } from '../context.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { table } from '../output/table.ts'

interface Election extends Part {
  readonly topic: string
  readonly partition: number
  readonly leaderBefore: number | null
  readonly leader: number | null
}

export async function elect(
  context: Context,
  { topic, dryRun = false }: { readonly topic?: readonly string[]; readonly dryRun?: boolean },
): Promise<void> {
  const { body } = await context.gateway.json<{ results: readonly Election[] }>('POST', '/v1/elections', {
    body: { ...(topic !== undefined && { topics: topic }), dryRun },
  })
  noteParts(body.results)
  await context.print(body, () =>
    table(
      body.results,
      [
        { title: 'TOPIC', value: (row) => row.topic },
        { title: 'PARTITION', value: (row) => row.partition, right: true },
        { title: 'LEADER BEFORE', value: (row) => row.leaderBefore, right: true },
        { title: dryRun ? 'WOULD BE' : 'LEADER', value: (row) => row.leader, right: true },
        ...errorColumns(body.results),
      ],
      context.style,
    ),
  )
}
