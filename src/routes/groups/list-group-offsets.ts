import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import { describeOffsets, type GroupOffset } from '../../kafka/admin/groups/group-offsets.ts'
import { etagOf } from '../etag.ts'
import { Isolation } from '../records/read-schemas.ts'
import { ItemError } from '../results.ts'
import { addRoute, type App, parseQuery, problemResponses } from '../route.ts'
import { GroupId, groupParam, groupProblems, offset, partError, place } from './group-schemas.ts'

const Offset = z
  .strictObject({
    ...place,
    offset: offset
      .nullable()
      .describe('The next record to read; null where the group has committed nothing yet.'),
    metadata: z.string().nullable().describe('Text that whoever committed kept with the offset.'),
    earliestOffset: offset
      .nullable()
      .describe('Of the first record that is left; null while no leader answers.'),
    latestOffset: offset
      .nullable()
      .describe(
        'Of the next record to be written; of the first open transaction, where `isolation` is `read_committed`.',
      ),
    lag: offset.nullable().describe('`latestOffset` less `offset`; null where one of them is.'),
    lagMs: z
      .int()
      .nonnegative()
      .nullable()
      .describe(
        'How old the next record to read is, milliseconds; null where none waits, or it was not found in time.',
      ),
    member: z.string().nullable().describe('The member that reads the partition now.'),
    error: ItemError.describe('Why there is no more to tell, such as `topic_not_found`.'),
  })
  .openapi('GroupOffset')

const GroupOffsets = z
  .strictObject({
    group: GroupId,
    offsets: z.array(Offset).describe('By topic and partition.'),
    lag: offset.describe('Of all partitions shown, those left out where it is not known.'),
  })
  .openapi('GroupOffsets', {
    example: {
      group: 'billing',
      offsets: [
        {
          topic: 'orders',
          partition: 0,
          offset: 4711,
          metadata: '',
          earliestOffset: 1200,
          latestOffset: 4723,
          lag: 12,
          lagMs: 830,
          member: 'rdkafka-3f0e0c52-7c7e-4f3b-9d58-0c1c6f0a8f10',
        },
      ],
      lag: 12,
    },
  })

const Query = z.strictObject({
  topic: z.array(z.string()).optional().describe('Only this topic. Given several times, these.'),
  isolation: Isolation.default('read_uncommitted').describe(
    '`read_committed` takes the latest offset to be where the first open transaction begins.',
  ),
})

export function registerListGroupOffsets(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listGroupOffsets',
      method: 'get',
      path: '/v1/groups/{group}/offsets',
      tags: ['Groups'],
      summary: 'Where a group is, and how far behind',
      description: [
        'Every partition that the group has committed in or is reading. The lag in records is a difference of offsets, as',
        "Kafka's own tools have it; the lag in time is the age of the next record to read, found by reading that one",
        'record. A partition whose leader does not answer within 5 seconds is told without them.',
      ].join('\n'),
      request: { params: z.object({ group: GroupId }), query: Query },
      responses: {
        200: {
          description: 'The offsets.',
          headers: z.object({
            etag: z.string().describe('Of all that the group has committed, for If-Match of a change.'),
          }),
          content: { 'application/json': { schema: GroupOffsets } },
        },
        ...problemResponses(...groupProblems, 'group_type_unsupported'),
      },
    },
    async (c) => {
      const { topic = [], isolation } = parseQuery(Query, c, ['topic'])
      const group = groupParam(c)
      const { offsets, committed } = await describeOffsets(cluster, group, { topics: topic, isolation })
      const document: z.input<typeof GroupOffsets> = {
        group,
        offsets: offsets.map(toDocument),
        lag: offsets.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
      }
      return c.json(document, 200, { etag: etagOf(committed) })
    },
  )
}

function toDocument({ bounds, problem, ...rest }: GroupOffset): z.input<typeof Offset> {
  return {
    ...rest,
    earliestOffset: bounds?.earliest ?? null,
    latestOffset: bounds?.latest ?? null,
    ...partError(problem),
  }
}
