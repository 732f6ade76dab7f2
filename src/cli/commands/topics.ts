import type { Command } from 'commander'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'
import type { ReassignOptions } from '../cluster/reassignments.ts'
import type { AlterOptions } from '../topics/alter.ts'
import type { CreateOptions } from '../topics/create.ts'
import type { DeleteOptions } from '../topics/delete.ts'
import type { ListOptions } from '../topics/list.ts'
import type { TruncateOptions } from '../topics/truncate.ts'

/** `sluice topics`. What each does is in topics/, loaded when it is done. */
export function defineTopics(topics: Command): void {
  const list = topics.command('list').alias('ls').description('List topics.')
  list
    .argument('[glob]', 'only names like this, such as "orders-*"')
    .option('--prefix <text>', 'only names that begin so')
    .option('--internal', "with Kafka's own topics")
    .option('--under-replicated', 'only topics with replicas that are behind')
  examples(
    list,
    `
    sluice topics list
    sluice topics list "orders-*" --json
    sluice topics list -q | xargs sluice topics describe
  `,
  )
  does(list, async (context, options: ListOptions, glob: string | undefined) =>
    (await import('../topics/list.ts')).listTopics(context, options, glob),
  )

  const create = topics.command('create').description('Create topics.')
  create
    .argument('<topic...>')
    .option('-p, --partitions <n>', "how many partitions; the brokers' default where left out")
    .option('-r, --replication-factor <n>', "how many copies of each; the brokers' default where left out")
    .option('--retention <time>', 'how long records are kept, such as 7d, 12h, unlimited')
    .option('--cleanup <how>', 'what becomes of old records: delete or compact')
    .option('-c, --config <name=value>', 'a topic configuration, any number of times', collect)
    .option(
      '--assignment <brokers>',
      'the brokers of a partition, such as 1,2,3; once for each partition',
      collect,
    )
    .option('--if-not-exists', 'no error where it is there already')
    .option('--dry-run', 'only ask Kafka whether it would')
  examples(
    create,
    `
    sluice topics create orders --partitions 3
    sluice topics create users --cleanup compact -c min.insync.replicas=2
    sluice topics create metrics --assignment 1,2 --assignment 2,3
  `,
  )
  does(create, async (context, options: CreateOptions, names: string[]) =>
    (await import('../topics/create.ts')).createTopics(context, options, names),
  )

  const describe = topics
    .command('describe')
    .alias('show')
    .description('Show partitions, leaders, offsets and configs.')
  describe.argument('<topic...>').option('--configs', 'all configs, those with their default value too')
  examples(
    describe,
    `
    sluice topics describe orders
    sluice topics describe orders --json | jq .partitions
  `,
  )
  does(describe, async (context, options: { configs?: boolean }, names: string[]) =>
    (await import('../topics/describe.ts')).describeTopics(context, options, names),
  )

  const alter = topics
    .command('alter')
    .description('Change configs, or add partitions. What is not named stays.')
  alter
    .argument('<topic>')
    .option('-p, --partitions <n>', 'more partitions; keys then go to other partitions than before')
    .option('-c, --config <name=value>', 'set a configuration, any number of times', collect)
    .option('--unset <name>', 'back to the default, any number of times', collect)
    .option('--append <name=value,...>', 'add to a list, such as cleanup.policy=compact', collect)
    .option('--subtract <name=value,...>', 'take from a list', collect)
    .option('--retention <time>', 'how long records are kept, such as 7d, 12h, unlimited')
    .option('--cleanup <how>', 'what becomes of old records: delete or compact')
    .option('--dry-run', 'only ask Kafka whether it would')
  examples(
    alter,
    `
    sluice topics alter orders --retention 30d
    sluice topics alter orders --partitions 12 --dry-run
    sluice topics alter orders -c max.message.bytes=2000000 --unset segment.bytes
  `,
  )
  does(alter, async (context, options: AlterOptions, name: string) =>
    (await import('../topics/alter.ts')).alterTopic(context, options, name),
  )

  const remove = topics.command('delete').alias('rm').description('Delete topics with all their records.')
  remove
    .argument('<topic...>')
    .option('-y, --yes', 'do not ask')
    .option('--if-exists', 'no error where it is not there')
    .option('--dry-run', 'only say what would be deleted')
  examples(
    remove,
    `
    sluice topics delete orders
    sluice topics delete orders refunds --yes
  `,
  )
  does(remove, async (context, options: DeleteOptions, names: string[]) =>
    (await import('../topics/delete.ts')).deleteTopics(context, options, names),
  )

  const truncate = topics.command('truncate').description('Delete the oldest records of a topic.')
  truncate
    .argument('<topic>')
    .requiredOption(
      '-b, --before <position>',
      'what comes before: latest (everything), an offset, a time, "2 days ago"',
    )
    .option('-p, --partition <n>', 'one partition alone')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only say what would be deleted')
  examples(
    truncate,
    `
    sluice topics truncate orders --before latest
    sluice topics truncate orders --before "7 days ago" --dry-run
    sluice topics truncate orders --before 4711 --partition 2 --yes
  `,
  )
  does(truncate, async (context, options: TruncateOptions, name: string) =>
    (await import('../topics/truncate.ts')).truncateTopic(context, options, name),
  )

  const reassign = topics
    .command('reassign')
    .description('Move topics to other brokers, or to more or fewer copies.')
  reassign
    .argument('<topic...>')
    .option('--brokers <ids>', 'spread them over these, such as 1,2,3')
    .option('-r, --replication-factor <n>', 'with so many copies from now on')
    .option('-p, --partition <n>', 'this partition alone, to --replicas')
    .option('--replicas <ids>', 'its brokers, the leader first')
    .option('--throttle <bytes>', 'copy no faster than so many bytes a second, such as 10MB')
    .option('--follow', 'show progress until it is done')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'only show the plan')
  examples(
    reassign,
    `
    sluice topics reassign orders --brokers 1,2,3 --dry-run
    sluice topics reassign orders --partition 0 --replicas 2,3 --throttle 10MB --follow
  `,
  )
  does(reassign, async (context, options: ReassignOptions, names: string[]) =>
    (await import('../cluster/reassignments.ts')).reassign(context, options, names),
  )
}
