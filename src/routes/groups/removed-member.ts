import { z } from 'zod'
import type { Cluster } from '../../kafka/cluster.ts'
import { removeMember } from '../../kafka/admin/groups/remove-member.ts'
import { type App, type AppContext, problemResponses } from '../route.ts'
import {
  exampleMember,
  GroupId,
  GroupMember,
  groupParam,
  groupProblems,
  toMemberDocument,
} from './group-schemas.ts'

const RemovedMember = z
  .strictObject({
    group: GroupId,
    member: GroupMember.describe('As it was.'),
    dryRun: z.boolean().describe('Whether this only says whom it would be.'),
  })
  .meta({ id: 'RemovedMember', example: { group: 'billing', member: exampleMember, dryRun: false } })

/** What the operations that remove a member, by one name or another, have in common. */
export const removal = {
  method: 'delete' as const,
  tags: ['Groups'],
  description: [
    'Its partitions go to the others at once, rather than when its session expires: for one that is stuck, or static and',
    'not coming back. One that still runs joins again; to keep it out, stop it. Safe to repeat: 404 `member_not_found` is',
    'done.',
  ].join('\n'),
  responses: {
    200: {
      description: 'It has left; or, of a dry run, would have.',
      content: { 'application/json': { schema: RemovedMember } },
    },
    ...problemResponses(...groupProblems, 'member_not_found', 'group_type_unsupported'),
  },
}

/** @throws Problem, as removeMember */
export async function answerRemoval(
  c: AppContext,
  { guard }: App,
  cluster: Cluster,
  who: Parameters<typeof removeMember>[2],
  dryRun: boolean,
): Promise<Response> {
  const group = groupParam(c)
  const member = await removeMember(cluster, group, who, dryRun)
  if (dryRun) c.env.outgoing.outcome = 'validated'
  const caller = guard.callerOf(c.env.incoming)
  const document: z.input<typeof RemovedMember> = {
    group,
    member: toMemberDocument(member, (topic) => caller.sees(topic)),
    dryRun,
  }
  return c.json(document)
}
