import { z } from 'zod'
import {
  type GroupDescription,
  groupStates,
  groupTypes,
  type MemberDescription,
} from '../../kafka/admin/groups/describe-group.ts'
import type { Problem } from '../../problems/problem.ts'
import type { ProblemCode } from '../../problems/problems.ts'
import type { ItemError } from '../results.ts'
import { type AppContext, kafkaProblems, TopicName } from '../route.ts'

export const GroupId = z
  .string()
  .min(1)
  .meta({ id: 'GroupId', example: 'billing', description: 'Any text, percent-encoded in a path.' })

export const GroupState = z.enum(groupStates).meta({
  id: 'GroupState',
  description:
    "Kafka's own name: `Empty` has no members, `Stable` has shared out its partitions, the others are on the way to it.",
})

export const GroupType = z.enum(groupTypes).meta({
  id: 'GroupType',
  description:
    '`classic`: its members share out the partitions; `consumer` (KIP-848), `share` (KIP-932) and `streams` (KIP-1071): the coordinator does.',
})

const protocolType = z
  .string()
  .describe(
    '`consumer` of consumers, `connect` of Kafka Connect; empty where offsets were committed without members.',
  )

export const GroupSummary = z
  .strictObject({ group: GroupId.min(0), state: GroupState, type: GroupType, protocolType })
  .meta({ id: 'GroupSummary' })

const TopicPartitions = z
  .strictObject({ topic: z.string(), partitions: z.array(z.int().nonnegative()) })
  .meta({ id: 'TopicPartitions' })

export const GroupMember = z
  .strictObject({
    member: z.string().describe('The id that the coordinator knows it by.'),
    instanceId: z.string().nullable().describe('Of a static member (`group.instance.id`).'),
    clientId: z.string(),
    host: z.string().describe('The address it connects from, as the broker sees it.'),
    epoch: z.int().nullable().describe('Of a member whose coordinator assigns, else null.'),
    topics: z
      .array(z.string())
      .nullable()
      .describe('What it subscribes to; null where that is not known, as while a classic group rebalances.'),
    pattern: z
      .string()
      .nullable()
      .describe('The regular expression it subscribes by, where the broker resolves it.'),
    assignments: z
      .array(TopicPartitions)
      .nullable()
      .describe(
        'What it reads. Empty while a classic group rebalances; null in groups that are not of consumers.',
      ),
    target: z
      .array(TopicPartitions)
      .nullable()
      .describe(
        'What it will read once others have given it up; null in classic groups, where none is known.',
      ),
  })
  .meta({ id: 'GroupMember' })

export const exampleMember = {
  member: 'rdkafka-3f0e0c52-7c7e-4f3b-9d58-0c1c6f0a8f10',
  instanceId: null,
  clientId: 'rdkafka',
  host: '10.1.2.3',
  epoch: null,
  topics: ['orders'],
  pattern: null,
  assignments: [{ topic: 'orders', partitions: [0, 1, 2] }],
  target: null,
}

export const Group = z
  .strictObject({
    group: GroupId,
    state: GroupState,
    type: GroupType,
    protocolType,
    protocol: z.string().nullable().describe('The assignor in use; null where there is none.'),
    epoch: z
      .int()
      .nullable()
      .describe('Grows with every change of a group whose coordinator assigns; null of a classic one.'),
    coordinator: z.int().nonnegative().describe('Node id of the broker that keeps the group.'),
    members: z
      .array(GroupMember)
      .nullable()
      .describe('Null of a streams group: Kafka Streams tells of its members itself.'),
  })
  .meta({
    id: 'Group',
    example: {
      group: 'billing',
      state: 'Stable',
      type: 'classic',
      protocolType: 'consumer',
      protocol: 'range',
      epoch: null,
      coordinator: 2,
      members: [exampleMember],
    },
  })

export const partition = z.int().nonnegative()
export const offset = z.int().nonnegative()
export const place = { topic: TopicName.or(z.string()), partition }

/** `isVisible` says of which topics whoever asks may know. */
export function toGroupDocument(
  group: GroupDescription,
  isVisible: (topic: string) => boolean,
): z.input<typeof Group> {
  return { ...group, members: group.members && group.members.map((m) => toMemberDocument(m, isVisible)) }
}

export function toMemberDocument(
  member: MemberDescription,
  isVisible: (topic: string) => boolean,
): z.input<typeof GroupMember> {
  const { topics, assignments, target } = member
  const copied = (list: MemberDescription['assignments']) =>
    list &&
    list
      .filter(({ topic }) => isVisible(topic))
      .map(({ topic, partitions }) => ({ topic, partitions: [...partitions] }))
  return {
    ...member,
    topics: topics && topics.filter(isVisible),
    assignments: copied(assignments),
    target: copied(target),
  }
}

/** The `{group}` of the path, percent-decoded once: any text. */
export function groupParam(c: AppContext): string {
  return c.req.param('group') ?? ''
}

/** What any operation on one group can answer. */
export const groupProblems: readonly ProblemCode[] = [
  'group_not_found',
  'invalid_parameter',
  ...kafkaProblems,
]

/** What a problem says of one part. */
export function partError(problem: Problem | undefined): { error: z.input<typeof ItemError> } | undefined {
  return problem && { error: problem.summary() }
}
