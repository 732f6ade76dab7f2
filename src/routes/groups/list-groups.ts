import { z } from '@hono/zod-openapi'
import type { Deps } from '../../deps.ts'
import { groupStates, groupTypes } from '../../kafka/admin/groups/describe-group.ts'
import { listGroups } from '../../kafka/admin/groups/list-groups.ts'
import { Next, pageOf, pageParameters } from '../page.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'
import { GroupSummary } from './group-schemas.ts'

const GroupList = z
  .strictObject({
    groups: z.array(GroupSummary),
    next: Next,
    unanswered: z
      .array(z.int())
      .describe('Node ids of brokers that did not answer in time: the groups they keep are missing.'),
  })
  .openapi('GroupList', {
    example: {
      groups: [{ group: 'billing', state: 'Stable', type: 'classic', protocolType: 'consumer' }],
      next: null,
      unanswered: [],
    },
  })

const Query = z.strictObject({
  state: z
    .array(z.enum(groupStates))
    .optional()
    .describe('Only groups in this state. Given several times, in any of them.'),
  type: z
    .array(z.enum(groupTypes))
    .optional()
    .describe('Only groups of this type. Given several times, of any.'),
  prefix: z.string().optional().describe('Only groups whose name begins so.'),
  ...pageParameters,
})

export function registerListGroups(app: App, { cluster }: Pick<Deps, 'cluster'>): void {
  addRoute(
    app,
    {
      operationId: 'listGroups',
      access: 'asked by the handler',
      method: 'get',
      path: '/v1/groups',
      tags: ['Groups'],
      summary: 'List the groups',
      description: [
        'Every group that the gateway may see, sorted by name: those with members, and those whose offsets Kafka still keeps.',
        'Each broker is asked for the groups that it keeps. One that does not answer within 5 seconds is named in',
        '`unanswered`, and the rest are listed.',
      ].join('\n'),
      request: { query: Query },
      responses: {
        200: { description: 'The groups.', content: { 'application/json': { schema: GroupList } } },
        ...problemResponses(...kafkaProblems, 'invalid_parameter'),
      },
    },
    async (c) => {
      const { state = [], type = [], prefix = '', ...paging } = parseQuery(Query, c, ['state', 'type'])
      const { groups, unanswered } = await listGroups(cluster, { states: state, types: type })
      const caller = app.guard.callerOf(c.env.incoming)
      const wanted = groups.filter(({ group }) => group.startsWith(prefix) && caller.seesGroup(group))
      const { page, next } = pageOf(wanted, ({ group }) => group, paging)
      const document: z.input<typeof GroupList> = {
        groups: page.map((group) => ({ ...group })),
        next,
        unanswered: [...unanswered],
      }
      return c.json(document)
    },
  )
}
