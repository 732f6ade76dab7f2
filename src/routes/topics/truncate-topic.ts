import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import { planTruncation, type TruncationPlan } from '../../kafka/admin/topics/truncation-plan.ts'
import { type PartitionTruncation, truncateTopic } from '../../kafka/admin/topics/truncate-topic.ts'
import { Problem } from '../../problems/problem.ts'
import { ItemError } from '../results.ts'
import { flag, Until, untilPattern, whole } from '../parameters.ts'
import {
  addRoute,
  type App,
  kafkaProblems,
  parseQuery,
  problemResponses,
  TopicName,
  topicParam,
} from '../route.ts'

const offset = z.int().nonnegative()

const Truncation = z
  .strictObject({
    partitions: z.array(
      z.strictObject({
        partition: z.int().nonnegative(),
        earliestOffset: offset.describe('Where it started.'),
        newEarliestOffset: offset.nullable().describe('Where it starts then; null where that is not known.'),
        latestOffset: offset.describe('Where it ends.'),
        records: offset
          .nullable()
          .describe(
            'How many offsets are deleted: as many records, but for those compacted away and the marks of transactions.',
          ),
        error: ItemError.describe(
          'Why its records were not deleted. Where it is `retryable` they may have been: ask again.',
        ),
      }),
    ),
    dryRun: z.boolean(),
  })
  .openapi('Truncation', {
    example: {
      partitions: [
        { partition: 0, earliestOffset: 0, newEarliestOffset: 4711, latestOffset: 5000, records: 4711 },
      ],
      dryRun: false,
    },
  })

const Query = z.strictObject({
  before: Until.openapi({
    pattern: untilPattern,
    description:
      'What goes: every record before this place. An offset; `latest`, all there are; or a time, ISO 8601 with its zone or `@` and epoch milliseconds, for all before the first record of that time or later.',
    example: '2026-01-01T00:00:00Z',
  }),
  partition: whole(0, 0x7fffffff).optional().describe('Of this partition alone.'),
  dryRun: flag('Only say what would be deleted. Nothing is.'),
})

export function registerTruncateTopic(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'truncateTopic',
      access: { topic: 'delete' },
      method: 'delete',
      path: '/v1/topics/{topic}/records',
      tags: ['Topics'],
      summary: 'Delete the oldest records of a topic',
      description: [
        'Deletes the records before a place, in every partition or in one. Readers that were before it go on from there,',
        'and are told what was lost. The same request again deletes nothing more, but for `latest`.',
        '',
        'An offset past the end of any of the partitions is refused before anything is deleted, and so is a partition',
        'without a leader. Each partition is deleted from by itself: where some fail, 207 says of each what became of it.',
      ].join('\n'),
      request: { params: z.object({ topic: TopicName }), query: Query },
      responses: {
        200: {
          description: 'What was deleted; with `dryRun` what would be.',
          content: { 'application/json': { schema: Truncation } },
        },
        207: {
          description:
            'Of some partitions nothing was deleted, or it is not known; each of them has an `error`.',
          content: { 'application/json': { schema: Truncation } },
        },
        ...problemResponses(
          ...kafkaProblems,
          'internal_topic',
          'topic_not_found',
          'partition_not_found',
          'not_acceptable',
          'topic_only_compacted',
          'offset_out_of_range',
          'invalid_topic_name',
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      const { before, partition, dryRun } = parseQuery(Query, c)
      const plan = await planTruncation(cluster, topicParam(c), before, partition)
      if (dryRun) {
        c.env.outgoing.outcome = 'validated'
        return c.json(toDocument(plan.partitions, true))
      }
      const done = await truncateTopic(cluster, plan)
      const document = toDocument(done, false)
      const failed = done.filter(({ problem }) => problem !== undefined)
      if (failed.length === 0) return c.json(document)
      if (failed.length < done.length) return c.json(document, 207)
      const { code, options } = failed[0]!.problem!
      throw new Problem(code, { ...options, extra: { ...options.extra, partitions: document.partitions } })
    },
  )
}

function toDocument(
  partitions: TruncationPlan['partitions'] | readonly PartitionTruncation[],
  dryRun: boolean,
): z.input<typeof Truncation> {
  return {
    partitions: partitions.map((p: PartitionTruncation) => {
      const { partition, earliest, newEarliest, latest, problem } = p
      return {
        partition,
        earliestOffset: earliest,
        newEarliestOffset: problem === undefined ? newEarliest : null,
        latestOffset: latest,
        records: problem === undefined ? newEarliest - earliest : null,
        ...(problem === undefined ? {} : { error: problem.summary() }),
      }
    }),
    dryRun,
  }
}
