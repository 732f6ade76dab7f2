import { z } from 'zod'
import { resourceText } from '../../audit/resource.ts'
import type { Deps } from '../../deps.ts'
import { createAcls } from '../../kafka/admin/acls/create-acls.ts'
import { readJson } from '../body.ts'
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
import { AclResults, NewAcl, toAclDocument } from './acl-schemas.ts'

/** Kafka makes at most 10 000 changes of its metadata in one. */
const MAX_ACLS = 1_000

const NewAcls = z
  .strictObject({
    acls: z.array(NewAcl).min(1).max(MAX_ACLS),
    dryRun: z.boolean().default(false).describe('Only say what would be made. Nothing is.'),
  })
  .meta({
    id: 'NewAcls',
    example: {
      acls: [
        { resourceType: 'topic', resourceName: 'orders', principal: 'User:alice', operation: 'read' },
        {
          resourceType: 'group',
          resourceName: 'billing-',
          patternType: 'prefixed',
          principal: 'User:alice',
          operation: 'read',
        },
      ],
    },
  })

const NoQuery = z.strictObject({})

export function registerCreateAcls(app: App, { cluster, config }: Pick<Deps, 'cluster' | 'config'>): void {
  const content = { 'application/json': { schema: AclResults } }
  addRoute(
    app,
    {
      operationId: 'createAcls',
      access: { cluster: 'admin' },
      method: 'post',
      path: '/v1/acls',
      tags: ['Access'],
      summary: 'Make ACLs',
      description:
        'One that is there already stays as it is, so that the request may be repeated. Answers once the brokers have heard of them. Kafka accepts or refuses each by itself.',
      request: { body: { required: true, content: { 'application/json': { schema: NewAcls } } } },
      responses: {
        200: { description: 'All are there, or would be; in the order sent.', content },
        207: { description: 'Some are; those that Kafka refused have an `error`.', content },
        ...problemResponses(...kafkaProblems, ...jsonBodyProblems, 'acls_disabled', 'invalid_parameter'),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      const { acls, dryRun } = checkBody(NewAcls, await readJson(c, config.limits))
      c.env.outgoing.resource = resourceText(
        acls.map((acl) => `${acl.resourceType}:${acl.resourceName} ${acl.principal} ${acl.operation}`),
      )
      const created = await createAcls(cluster, acls, dryRun)
      const items = created.map(({ acl, existed, problem }) => ({
        document: { ...toAclDocument(acl), existed },
        problem,
      }))
      return answerEach(c, items, { dryRun })
    },
  )
}
