import { z } from 'zod'
import { resourceText } from '../../audit/resource.ts'
import type { Deps } from '../../deps.ts'
import { changeQuotas } from '../../kafka/admin/quotas/change-quotas.ts'
import { quotasOf } from '../../kafka/admin/quotas/list-quotas.ts'
import { keyOfEntity } from '../../kafka/admin/quotas/quota-names.ts'
import { readJson } from '../body.ts'
import { checkIfMatch, etagOf } from '../etag.ts'
import { answerEach } from '../results.ts'
import {
  addRoute,
  type App,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
} from '../route.ts'
import { QuotaChange, QuotaResults } from './quota-schemas.ts'

/** Five quotas each stay below the 10 000 changes of its metadata that Kafka makes in one. */
const MAX_ENTRIES = 1_000

const QuotaChanges = z
  .strictObject({
    entries: z
      .array(QuotaChange)
      .min(1)
      .max(MAX_ENTRIES)
      .superRefine((entries, context) => {
        const seen = new Set<string>()
        for (const [i, { entity }] of entries.entries()) {
          const key = keyOfEntity(entity)
          if (seen.has(key)) {
            context.addIssue({ code: 'custom', path: [i, 'entity'], message: 'given more than once' })
          }
          seen.add(key)
        }
      }),
    validateOnly: z
      .boolean()
      .default(false)
      .describe('Only have Kafka say what it would do. Nothing changes.'),
  })
  .meta({
    id: 'QuotaChanges',
    example: {
      entries: [
        { entity: { user: 'alice' }, quotas: { producerByteRate: 1_048_576, consumerByteRate: null } },
        { entity: { ip: null }, quotas: { connectionCreationRate: 20 } },
      ],
    },
  })

const NoQuery = z.strictObject({})

export function registerChangeQuotas(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  const content = { 'application/json': { schema: QuotaResults } }
  addRoute(
    app,
    {
      operationId: 'changeQuotas',
      access: { cluster: 'admin' },
      method: 'patch',
      path: '/v1/quotas',
      tags: ['Access'],
      summary: 'Set and remove client quotas',
      description:
        'Quotas that are not named stay as they are; the request may be repeated. Answers once the brokers have heard of it. Kafka takes or refuses each entry as a whole, and by itself.',
      request: {
        headers: z.object({
          'if-match': z
            .string()
            .optional()
            .describe(
              'The ETag of a list that shows just the entities of this change, such as one with `strict=true`.',
            ),
        }),
        body: { required: true, content: { 'application/json': { schema: QuotaChanges } } },
      },
      responses: {
        200: { description: 'All are in force, or would be; in the order sent.', content },
        207: { description: 'Some are; those that Kafka refused have an `error`.', content },
        ...problemResponses(
          'precondition_failed',
          ...kafkaProblems,
          ...jsonBodyProblems,
          'invalid_parameter',
        ),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      const { entries, validateOnly } = checkBody(QuotaChanges, await readJson(c, config.limits))
      c.env.outgoing.resource = resourceText(
        entries.flatMap(({ entity }) => Object.entries(entity).map(([type, name]) => `${type}:${name}`)),
      )
      if (c.req.header('if-match') !== undefined)
        checkIfMatch(
          c,
          etagOf(
            await quotasOf(
              cluster,
              entries.map(({ entity }) => entity),
            ),
          ),
        )
      const changed = await changeQuotas(cluster, entries, validateOnly)
      const items = changed.map(({ entry, problem }) => ({ document: entry, problem }))
      return answerEach(c, items, { validateOnly })
    },
  )
}
