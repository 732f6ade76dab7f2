import { z } from 'zod'
import type { OffsetChange } from '../../kafka/admin/groups/plan-reset.ts'
import { Problem } from '../../problems/problem.ts'
import { ItemError } from '../results.ts'
import type { AppContext } from '../route.ts'
import { GroupId, offset, partError, place } from './group-schemas.ts'

const Change = z
  .strictObject({
    ...place,
    before: offset.nullable().describe('What was committed; null where nothing was.'),
    after: offset.nullable().describe('What is committed now, or would be; null where nothing is.'),
    clamped: z
      .boolean()
      .describe(
        "Whether it was asked for beyond the partition's bounds, so that the nearest of these was taken.",
      ),
    error: ItemError.describe('Why this partition is as it was.'),
  })
  .meta({ id: 'OffsetChange' })

/** What became of a group's offsets. */
export const OffsetChanges = z
  .strictObject({
    group: GroupId,
    offsets: z.array(Change).describe('By topic and partition.'),
    dryRun: z.boolean().describe('Whether this only says what would be changed.'),
  })
  .meta({
    id: 'OffsetChanges',
    example: {
      group: 'billing',
      offsets: [{ topic: 'orders', partition: 0, before: 4711, after: 1200, clamped: false }],
      dryRun: false,
    },
  })

/**
 * Answers 200 where all went well and 207 where some did.
 * @throws Problem of the first, with all of them, where none did
 */
export function answerChanges(
  c: AppContext,
  group: string,
  changes: readonly OffsetChange[],
  dryRun: boolean,
): Response {
  const offsets = changes.map(({ problem, ...change }): z.input<typeof Change> => ({
    ...change,
    ...partError(problem),
  }))
  const failed = changes.flatMap(({ problem }) => problem ?? [])
  const [first] = failed
  if (first !== undefined && failed.length === changes.length) {
    const { code, message, options } = first
    throw new Problem(code, { ...options, detail: message, extra: { group, offsets, dryRun } })
  }
  if (dryRun) c.env.outgoing.outcome = 'validated'
  const document: z.input<typeof OffsetChanges> = { group, offsets, dryRun }
  return c.json(document, first === undefined ? 200 : 207)
}
