import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { keyOfAcl } from '../../kafka/admin/acls/acl.ts'
import { listAcls } from '../../kafka/admin/acls/list-acls.ts'
import { Next, pageOf, pageParameters } from '../page.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { Acl, aclFilter, exampleAcl, toAclDocument } from './acl-schemas.ts'

const AclList = z
  .strictObject({ acls: z.array(Acl), next: Next })
  .meta({ id: 'AclList', example: { acls: [exampleAcl], next: null } })

const Query = z.strictObject({ ...aclFilter, ...pageParameters })

export function registerListAcls(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listAcls',
      access: { cluster: 'admin' },
      method: 'get',
      path: '/v1/acls',
      tags: ['Access'],
      summary: 'List the ACLs',
      description:
        'Those that fit every parameter given, sorted by resource and principal. `POST /v1/acls` takes them as they are.',
      request: { query: Query },
      responses: {
        200: { description: 'The ACLs.', content: { 'application/json': { schema: AclList } } },
        ...problemResponses(...kafkaProblems, 'acls_disabled', 'invalid_parameter'),
      },
    },
    async (c) => {
      const { limit, after, ...filter } = parseQuery(Query, c)
      const { page, next } = pageOf(await listAcls(cluster, filter), keyOfAcl, { limit, after })
      const document: z.input<typeof AclList> = { acls: page.map(toAclDocument), next }
      return c.json(document)
    },
  )
}
