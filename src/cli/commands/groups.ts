import type { Command } from 'commander'
import { collect, does } from '../context.ts'
import type { GroupListOptions } from '../groups/list.ts'
import type { RemoveOptions } from '../groups/remove.ts'
import type { ResetOptions } from '../groups/reset.ts'
import { examples } from '../program.ts'

/** `sluice groups`. What each does is in groups/. */
export function defineGroups(groups: Command): void {
  const list = groups.command('list').alias('ls').description('List consumer groups.')
  list
    .argument('[prefix]', 'only names that begin so')
    .option(
      '--state <state>',
      'only groups in this state, such as Empty or Stable; any number of times',
      collect,
    )
    .option('--type <type>', 'only groups of this type: classic, consumer, share, streams', collect)
  examples(list, 'sluice groups list --state Empty')
  does(list, async (context, options: GroupListOptions, prefix: string | undefined) =>
    (await import('../groups/list.ts')).listGroups(context, options, prefix),
  )

  const describe = groups
    .command('describe')
    .alias('show')
    .description('Show state, coordinator, and members.')
  describe.argument('<group...>')
  examples(describe, 'sluice groups describe billing')
  does(describe, async (context, _options, names: string[]) =>
    (await import('../groups/list.ts')).describeGroups(context, names),
  )

  const lag = groups
    .command('lag')
    .description('Show where a group is in each partition, and how far behind.')
  lag.argument('<group>').option('-t, --topic <topic>', 'only this topic, any number of times', collect)
  examples(
    lag,
    `
    sluice groups lag billing
    sluice groups lag billing --json | jq .lag
  `,
  )
  does(lag, async (context, options: { topic?: string[] }, group: string) =>
    (await import('../groups/lag.ts')).showLag(context, options, group),
  )

  const reset = groups
    .command('reset')
    .description('Set where a group resumes. It must have no members meanwhile.')
  reset
    .argument('<group>')
    .option('--to <position>', 'earliest, latest, an offset, a time, "2h ago"')
    .option('--shift-by <n>', 'so many records on, or with -n back')
    .option('--like <group>', 'to where this group is')
    .option(
      '-t, --topic <topic[:partitions]>',
      'only this topic, such as orders or orders:0,2; any number of times',
      collect,
    )
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show what would change')
  examples(
    reset,
    `
    sluice groups reset billing --to earliest --dry-run
    sluice groups reset billing --to "2 hours ago" --topic orders
    sluice groups reset billing --shift-by=-100 --topic orders:0 --yes
  `,
  )
  does(reset, async (context, options: ResetOptions, group: string) =>
    (await import('../groups/reset.ts')).resetGroup(context, options, group),
  )

  const remove = groups
    .command('delete')
    .alias('rm')
    .description('Delete groups without members, and their offsets.')
  remove
    .argument('<group...>')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show what would be lost')
  examples(remove, 'sluice groups delete billing')
  does(remove, async (context, options: RemoveOptions, names: string[]) =>
    (await import('../groups/remove.ts')).deleteGroups(context, options, names),
  )

  const offsets = groups
    .command('delete-offsets')
    .description('Delete what a group has committed in a topic.')
  offsets
    .argument('<group>')
    .argument('<topic>')
    .option('-p, --partition <n>', 'one partition alone')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show what would be lost')
  examples(offsets, 'sluice groups delete-offsets billing old-orders')
  does(
    offsets,
    async (context, options: RemoveOptions & { partition?: string }, group: string, topic: string) =>
      (await import('../groups/remove.ts')).deleteOffsets(context, options, group, topic),
  )

  const member = groups
    .command('remove-member')
    .description('Remove a member that is stuck; its partitions go to the others.')
  member
    .argument('<group>')
    .argument('[member]', 'its id, as describe shows it')
    .option('--instance-id <id>', 'a static member, by its group.instance.id')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show whom it would be')
  examples(member, 'sluice groups remove-member billing --instance-id billing-3')
  does(
    member,
    async (
      context,
      options: RemoveOptions & { instanceId?: string },
      group: string,
      id: string | undefined,
    ) => (await import('../groups/remove.ts')).removeMember(context, options, group, id),
  )
}
