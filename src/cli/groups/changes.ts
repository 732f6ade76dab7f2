import type { Style } from '../output/style.ts'
import { errorColumns, type Part } from '../output/parts.ts'
import { table } from '../output/table.ts'

/** What became of a group's offsets, or would become. */
export interface OffsetChanges {
  readonly group: string
  readonly offsets: readonly OffsetChange[]
  readonly dryRun: boolean
}

export interface OffsetChange extends Part {
  readonly topic: string
  readonly partition: number
  readonly before: number | null
  readonly after: number | null
  readonly clamped?: boolean
}

export function changeTable({ offsets }: OffsetChanges, style: Style): string {
  return table(
    offsets,
    [
      { title: 'TOPIC', value: (row) => row.topic },
      { title: 'PARTITION', value: (row) => row.partition, right: true },
      { title: 'BEFORE', value: (row) => row.before, right: true },
      { title: 'AFTER', value: (row) => (row.error === undefined ? row.after : undefined), right: true },
      ...(offsets.some(({ clamped }) => clamped === true)
        ? [
            {
              title: 'NOTE',
              value: (row: OffsetChange) => (row.clamped === true ? 'the nearest there is' : ''),
            },
          ]
        : []),
      ...errorColumns(offsets),
    ],
    style,
  )
}
