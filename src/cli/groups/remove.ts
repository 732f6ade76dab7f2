import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import type { Query } from '../gateway-client.ts'
import { noteParts } from '../output/parts.ts'
import { parseCount, plural } from '../output/quantities.ts'
import { segment } from '../pages.ts'
import { partly } from '../partly.ts'
import { changeTable, type OffsetChanges } from './changes.ts'
import { type MemberDocument, memberTable } from './list.ts'

export interface RemoveOptions {
  readonly yes?: boolean
  readonly dryRun?: boolean
}

export async function deleteGroups(
  context: Context,
  { yes, dryRun = false }: RemoveOptions,
  names: readonly string[],
): Promise<void> {
  const { gateway } = context
  const remove = async (name: string, dry: boolean) =>
    (await gateway.json<OffsetChanges>('DELETE', `/v1/groups/${segment(name)}`, { query: { dryRun: dry } }))
      .body
  // All are looked at before the first is deleted: a wrong name, or one with members, costs nothing.
  let deleted: OffsetChanges[] = []
  let failure: unknown
  for (const name of names) deleted.push(await remove(name, true))
  if (!dryRun) {
    await confirm(
      `Delete ${names.join(', ')} with ${plural(deleted.flatMap(({ offsets }) => offsets).length, 'committed offset')}`,
      { yes },
    )
    deleted = []
    const done: string[] = []
    for (const name of names) {
      try {
        deleted.push(await remove(name, false))
      } catch (error) {
        if (done.length === 0) throw error
        failure = partly('deleted', done, error)
        break
      }
      done.push(name)
      context.say(`Deleted ${name}.`)
    }
  }
  if (context.json || dryRun) {
    await context.print(names.length === 1 ? deleted[0] : { groups: deleted }, () =>
      deleted.map((changes) => changeTable(changes, context.style)).join('\n'),
    )
  }
  if (failure !== undefined) throw failure
}

export async function deleteOffsets(
  context: Context,
  { yes, dryRun = false, partition }: RemoveOptions & { readonly partition?: string },
  group: string,
  topic: string,
): Promise<void> {
  const query: Query = {
    topic,
    partition: partition === undefined ? undefined : parseCount(partition, '--partition'),
  }
  const remove = async (dry: boolean) =>
    (
      await context.gateway.json<OffsetChanges>('DELETE', `/v1/groups/${segment(group)}/offsets`, {
        query: { ...query, dryRun: dry },
      })
    ).body
  let changes = await remove(true)
  if (!dryRun) {
    await confirm(`Delete ${plural(changes.offsets.length, 'committed offset')} of ${group} in ${topic}`, {
      yes,
    })
    changes = await remove(false)
  }
  noteParts(changes.offsets)
  await context.print(changes, () => changeTable(changes, context.style))
}

export async function removeMember(
  context: Context,
  { yes, dryRun = false, instanceId }: RemoveOptions & { readonly instanceId?: string },
  group: string,
  member: string | undefined,
): Promise<void> {
  if ((member === undefined) === (instanceId === undefined)) {
    throw new UsageError(
      'name the member, by its id or by --instance-id',
      `\`sluice groups describe ${group}\` shows them.`,
    )
  }
  const path = `/v1/groups/${segment(group)}/members${member === undefined ? '' : `/${segment(member)}`}`
  const remove = async (dry: boolean) =>
    (
      await context.gateway.json<{ member: MemberDocument }>('DELETE', path, {
        query: { instanceId, dryRun: dry },
      })
    ).body
  let removed = await remove(true)
  if (!dryRun) {
    await confirm(
      `Remove ${removed.member.member} (${removed.member.clientId} at ${removed.member.host}) from ${group}`,
      { yes },
    )
    removed = await remove(false)
    context.say(`Removed ${removed.member.member} from ${group}.`)
  }
  if (context.json || dryRun) await context.print(removed, () => memberTable(context.style, [removed.member]))
}
