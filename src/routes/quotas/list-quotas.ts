import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { listQuotas } from '../../kafka/admin/quotas/list-quotas.ts'
import { keyOfEntity, type QuotaEntity } from '../../kafka/admin/quotas/quota-names.ts'
import { Problem } from '../../problems/problem.ts'
import { etagOf } from '../etag.ts'
import { Next, pageOf, pageParameters } from '../page.ts'
import { flag } from '../parameters.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { EntityName, QuotaEntry } from './quota-schemas.ts'

const QuotaList = z.strictObject({ entries: z.array(QuotaEntry), next: Next }).meta({
  id: 'QuotaList',
  example: {
    entries: [{ entity: { user: 'alice' }, quotas: { producerByteRate: 1_048_576, requestPercentage: 50 } }],
    next: null,
  },
})

/** No name is empty, so that an empty parameter is free to mean the default. */
const part = z
  .union([EntityName, z.literal('')])
  .optional()
  .transform((text) => (text === '' ? null : text))
  .meta({ type: 'string', anyOf: undefined, maxLength: EntityName.maxLength ?? undefined })
const empty = 'empty for the default.'

const Query = z.strictObject({
  user: part.describe(`Only entries of this user; ${empty}`),
  clientId: part.describe(`Only entries of this client id; ${empty}`),
  ip: part.describe(`Only entries of this address; ${empty}`),
  strict: flag('Only entries that have the given parts and no others.'),
  ...pageParameters,
})

export function registerListQuotas(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listQuotas',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/quotas',
      tags: ['Access'],
      summary: 'List the client quotas',
      description:
        'Those set for users, client ids, addresses and their defaults, sorted by whom they are for. `PATCH /v1/quotas` takes `entries` as they are.',
      request: { query: Query },
      responses: {
        200: {
          description: 'The quotas.',
          headers: z.object({
            etag: z
              .string()
              .optional()
              .describe('Of the entries shown, for the `If-Match` of a PATCH of just these.'),
          }),
          content: { 'application/json': { schema: QuotaList } },
        },
        ...problemResponses(...kafkaProblems, 'invalid_parameter'),
      },
    },
    async (c) => {
      const { strict, limit, after, ...entity } = parseQuery(Query, c)
      checkParts(entity)
      const entries = await listQuotas(cluster, entity, strict)
      const { page, next } = pageOf(entries, ({ entity }) => keyOfEntity(entity), { limit, after })
      return c.json({ entries: page, next }, 200, { etag: etagOf(page) })
    },
  )
}

/** @throws Problem invalid_parameter for parts that no entity has together, which Kafka refuses to look for */
function checkParts({ user, clientId, ip }: QuotaEntity): void {
  if (ip === undefined || (user === undefined && clientId === undefined)) return
  const reason = 'goes with neither user nor clientId'
  throw new Problem('invalid_parameter', { detail: `ip: ${reason}.`, errors: [{ parameter: 'ip', reason }] })
}
