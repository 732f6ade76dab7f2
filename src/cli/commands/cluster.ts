import type { Command } from 'commander'
import type { ConfigChangeOptions } from '../cluster/configs.ts'
import type { ReassignmentsOptions } from '../cluster/reassignments.ts'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'

/** `sluice cluster`. What each does is in cluster/. */
export function defineCluster(cluster: Command): void {
  const show = cluster
    .command('show', { isDefault: true })
    .description('Show id, versions, controller, and the metadata quorum.')
  examples(show, 'sluice cluster')
  does(show, async (context) => (await import('../cluster/show.ts')).showCluster(context))

  const brokers = cluster.command('brokers').description('List the brokers.')
  examples(brokers, 'sluice cluster brokers')
  does(brokers, async (context) => (await import('../cluster/show.ts')).listBrokers(context))

  const configs = cluster
    .command('configs')
    .description('Show the configs of a broker, or what is set for all.')
  configs
    .argument('[broker]', 'all that are in force at it; what is set for all brokers where left out')
    .option('--name <name>', 'only this one, any number of times', collect)
    .option('--all', 'those with their default value too')
  examples(
    configs,
    `
    sluice cluster configs
    sluice cluster configs 1 --name log.retention.ms
  `,
  )
  does(configs, async (context, options: { name?: string[]; all?: boolean }, broker: string | undefined) =>
    (await import('../cluster/configs.ts')).showConfigs(context, options, broker),
  )

  const alter = cluster
    .command('alter')
    .description('Change configs while the brokers run. What is not named stays.')
  alter
    .argument('[broker]', 'of this one alone; of all where left out')
    .option('-c, --config <name=value>', 'set a configuration, any number of times', collect)
    .option('--unset <name>', 'back to what the file or the default says, any number of times', collect)
    .option('--append <name=value,...>', 'add to a list', collect)
    .option('--subtract <name=value,...>', 'take from a list', collect)
    .option('--dry-run', 'only ask Kafka whether it would')
  examples(
    alter,
    `
    sluice cluster alter -c log.retention.ms=86400000 --dry-run
    sluice cluster alter 1 --unset log.cleaner.threads
  `,
  )
  does(alter, async (context, options: ConfigChangeOptions, broker: string | undefined) =>
    (await import('../cluster/configs.ts')).alterConfigs(context, options, broker),
  )

  const logDirs = cluster
    .command('log-dirs')
    .description('Show where the brokers keep their data, and how full it is.')
  logDirs
    .option('-b, --broker <id>', 'of this broker alone')
    .option('-t, --topic <topic>', 'how much of it is of this topic')
  examples(logDirs, 'sluice cluster log-dirs --topic orders')
  does(logDirs, async (context, options: { broker?: string; topic?: string }) =>
    (await import('../cluster/show.ts')).listLogDirs(context, options),
  )

  const reassignments = cluster
    .command('reassignments')
    .description('Show replicas on their way to other brokers; or cancel that.')
  reassignments
    .option('-t, --topic <topic>', 'of this topic alone')
    .option('-p, --partition <n>', 'of this partition of it alone')
    .option('--follow', 'show progress until none is left')
    .option('--cancel', 'go back to where they were')
    .option('--unthrottle', 'let all replicas copy as fast as they can again')
    .option('-y, --yes', 'do not ask')
    .option('--dry-run', 'of --cancel and --unthrottle: only say what it would do')
  examples(
    reassignments,
    `
    sluice cluster reassignments --follow
    sluice cluster reassignments --topic orders --cancel
  `,
  )
  does(reassignments, async (context, options: ReassignmentsOptions) =>
    (await import('../cluster/reassignments.ts')).reassignments(context, options),
  )

  const elect = cluster
    .command('elect')
    .description('Give partitions back to the broker that is to lead them.')
  elect
    .option('-t, --topic <topic>', 'only of this topic, any number of times', collect)
    .option('--dry-run', 'only say what would change')
  examples(elect, 'sluice cluster elect --topic orders')
  does(elect, async (context, options: { topic?: string[]; dryRun?: boolean }) =>
    (await import('../cluster/elect.ts')).elect(context, options),
  )
}
