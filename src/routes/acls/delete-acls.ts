import { z } from 'zod'
import { resourceText } from '../../audit/resource.ts'
import type { Deps } from '../../deps.ts'
import type { AclFilter } from '../../kafka/admin/acls/acl.ts'
import { deleteAcls } from '../../kafka/admin/acls/delete-acls.ts'
import { Problem } from '../../problems/problem.ts'
import { flag } from '../parameters.ts'
import { answerEach } from '../results.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { aclFilter, AclResults, isNarrow, toAclDocument } from './acl-schemas.ts'

const Query = z.strictObject({
  ...aclFilter,
  all: flag('Has to be `true` where no other parameter narrows it down: every ACL is meant.'),
  dryRun: flag('Only say which would be removed.'),
})

export function registerDeleteAcls(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  const content = { 'application/json': { schema: AclResults } }
  addRoute(
    app,
    {
      operationId: 'deleteAcls',
      access: { cluster: 'admin' },
      method: 'delete',
      path: '/v1/acls',
      tags: ['Access'],
      summary: 'Remove ACLs',
      description:
        'Every one that fits every parameter given: those that `GET /v1/acls` lists for the same parameters. Where there is none, none is removed. Answers once the brokers have heard of it.',
      request: { query: Query },
      responses: {
        200: { description: 'Those that were removed, or would be.', content },
        207: { description: 'Some were removed; those that could not be have an `error`.', content },
        ...problemResponses(...kafkaProblems, 'acls_disabled', 'invalid_request', 'invalid_parameter'),
      },
    },
    async (c) => {
      const { all, dryRun, ...filter } = parseQuery(Query, c)
      checkFilter(filter, all)
      const narrowed = Object.entries(filter).map(([name, value]) => `${name}:${String(value)}`)
      c.env.outgoing.resource = all ? 'every ACL' : resourceText(narrowed)
      const deleted = await deleteAcls(cluster, filter, dryRun)
      const items = deleted.map(({ acl, problem }) => ({ document: toAclDocument(acl), problem }))
      return answerEach(c, items, { dryRun })
    },
  )
}

/**
 * A parameter that a script left empty must not cost every ACL there is.
 * @throws Problem invalid_parameter
 */
function checkFilter(filter: AclFilter, all: boolean): void {
  const isNarrowed = isNarrow(filter)
  if (isNarrowed !== all) return
  const reason = all
    ? 'means every ACL: give it without other parameters'
    : 'has to be true to remove every ACL; give another parameter to remove some'
  throw new Problem('invalid_parameter', {
    detail: `all: ${reason}.`,
    errors: [{ parameter: 'all', reason }],
  })
}
