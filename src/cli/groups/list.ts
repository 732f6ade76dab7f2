import type { Context } from '../context.ts'
import { facts } from '../output/parts.ts'
import { printable, table } from '../output/table.ts'
import { allPages, segment } from '../pages.ts'

export interface GroupListOptions {
  readonly state?: readonly string[]
  readonly type?: readonly string[]
}

interface GroupSummary {
  readonly group: string
  readonly state: string
  readonly type: string
  readonly protocolType: string
}

export interface MemberDocument {
  readonly member: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
  readonly assignments: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null
}

interface GroupDocument extends GroupSummary {
  readonly protocol: string | null
  readonly coordinator: number
  readonly members: readonly MemberDocument[] | null
}

export async function listGroups(
  context: Context,
  options: GroupListOptions,
  prefix: string | undefined,
): Promise<void> {
  const groups = await allPages<GroupSummary>(context, '/v1/groups', 'groups', { ...options, prefix })
  await context.printList(
    { groups },
    groups,
    [
      { title: 'GROUP', value: ({ group }) => group },
      {
        title: 'STATE',
        value: ({ state }) => state,
        paint: ({ state }, style) => (state === 'Stable' ? style.green : undefined),
      },
      { title: 'TYPE', value: ({ type }) => type },
      { title: 'PROTOCOL', value: ({ protocolType }) => protocolType },
    ],
    ({ group }) => group,
  )
}

export async function describeGroups(context: Context, names: readonly string[]): Promise<void> {
  const groups: GroupDocument[] = []
  for (const name of names) {
    groups.push((await context.gateway.json<GroupDocument>('GET', `/v1/groups/${segment(name)}`)).body)
  }
  await context.print(groups.length === 1 ? groups[0] : { groups }, () =>
    groups.map((group) => describe(context, group)).join('\n'),
  )
}

function describe(
  { style }: Context,
  { group, state, type, protocol, coordinator, members }: GroupDocument,
): string {
  const heading = `${style.bold(printable(group))}\n${facts([
    ['state', state],
    ['type', type],
    ['assignor', protocol],
    ['coordinator', `broker ${coordinator}`],
    ['members', members?.length],
  ])}`
  return members === null || members.length === 0 ? heading : `${heading}\n${memberTable(style, members)}`
}

/** Members with what they read. */
export function memberTable(style: Context['style'], members: readonly MemberDocument[]): string {
  return table(
    members,
    [
      { title: 'MEMBER', value: ({ member }) => member },
      ...(members.some(({ instanceId }) => instanceId !== null)
        ? [{ title: 'INSTANCE', value: ({ instanceId }: MemberDocument) => instanceId }]
        : []),
      { title: 'CLIENT', value: ({ clientId }) => clientId },
      { title: 'HOST', value: ({ host }) => host },
      {
        title: 'READS',
        value: ({ assignments }) =>
          assignments?.map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`).join(' '),
      },
    ],
    style,
  )
}
