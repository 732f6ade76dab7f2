import { Command, Option } from 'commander'
import { version } from './version.ts'

export const DEFAULT_URL = 'http://127.0.0.1:8080'

interface Entry {
  readonly summary: string
  readonly group: string
  /** Loads what the command is made of: options, subcommands, what it does. */
  readonly load: () => Promise<(command: Command) => void>
}

const start = 'Start:'
const records = 'Records:'
const administration = 'Administration:'
const security = 'Security of the gateway (files on its machine):'
const more = 'More:'
/** Of commands for programs alone. */
const hidden = ''

/** The commands. Each is loaded when it is asked for: most of what starting takes is reading modules. */
const entries: Readonly<Record<string, Entry>> = {
  up: {
    summary: 'start the gateway, and a Kafka with it where KAFKA_BROKERS names none',
    group: start,
    load: async () => (await import('./commands/up.ts')).defineUp,
  },
  serve: {
    summary: 'start the gateway alone, as the container image does',
    group: start,
    load: async () => (await import('./commands/up.ts')).defineServe,
  },
  health: {
    summary: 'say whether the gateway of this machine is alive, for HEALTHCHECK and probes',
    group: start,
    load: async () => (await import('./commands/health.ts')).defineHealth,
  },
  doctor: {
    summary: 'check settings, files, this machine and Kafka, and say what to do',
    group: start,
    load: async () => (await import('./commands/doctor.ts')).defineDoctor,
  },
  produce: {
    summary: 'write lines or JSON records to a topic',
    group: records,
    load: async () => (await import('./commands/produce.ts')).defineProduce,
  },
  consume: {
    summary: 'print the records of topics, with a group or without',
    group: records,
    load: async () => (await import('./commands/consume.ts')).defineConsume,
  },
  export: {
    summary: 'write a topic to a file, a record a line of JSON',
    group: records,
    load: async () => (await import('./commands/transfer.ts')).defineExport,
  },
  import: {
    summary: 'write an exported file to a topic',
    group: records,
    load: async () => (await import('./commands/transfer.ts')).defineImport,
  },
  topics: {
    summary: 'list, create, describe, alter, truncate, delete topics',
    group: administration,
    load: async () => (await import('./commands/topics.ts')).defineTopics,
  },
  groups: {
    summary: 'list, describe, reset, delete consumer groups, and show their lag',
    group: administration,
    load: async () => (await import('./commands/groups.ts')).defineGroups,
  },
  cluster: {
    summary: 'show brokers, their configs and disks, move replicas, elect leaders',
    group: administration,
    load: async () => (await import('./commands/cluster.ts')).defineCluster,
  },
  acls: {
    summary: 'list, create, delete access rules',
    group: administration,
    load: async () => (await import('./commands/access.ts')).defineAcls,
  },
  quotas: {
    summary: 'list and set how much clients may do',
    group: administration,
    load: async () => (await import('./commands/access.ts')).defineQuotas,
  },
  users: {
    summary: 'list, create, delete SCRAM users',
    group: administration,
    load: async () => (await import('./commands/access.ts')).defineUsers,
  },
  transactions: {
    summary: 'list transactional ids, find and abort what hangs',
    group: administration,
    load: async () => (await import('./commands/transactions.ts')).defineTransactions,
  },
  keys: {
    summary: 'make, rotate and take away API keys',
    group: security,
    load: async () => (await import('./commands/security.ts')).defineKeys,
  },
  policy: {
    summary: 'check rules, and find out which one decides',
    group: security,
    load: async () => (await import('./commands/security.ts')).definePolicy,
  },
  bench: {
    summary: 'measure how fast the gateway and its Kafka write and read',
    group: more,
    load: async () => (await import('./commands/transfer.ts')).defineBench,
  },
  completion: {
    summary: 'print what bash, zsh or fish needs to complete commands, options and names',
    group: more,
    load: async () => (await import('./commands/completion.ts')).defineCompletion,
  },
  __complete: {
    summary: '',
    group: hidden,
    load: async () => (await import('./commands/completion.ts')).defineComplete,
  },
}

/**
 * The whole command line, with the parts that `words` (what is behind `sluice`) asks for, or all of them.
 * @param words undefined for all
 */
export async function makeProgram(words?: readonly string[]): Promise<Command> {
  const program = new Command('sluice')
    .description('Kafka from the command line, through a Sluice gateway.')
    .usage('COMMAND [options]')
    .version(version, '-v, --version', 'print the version')
    .addOption(new Option('--url <url>', 'the gateway').env('SLUICE_URL').default(DEFAULT_URL))
    .option('--json', 'print JSON, for programs')
    .option('-q, --quiet', 'print only what was asked for; of lists the names')
    .option('--no-color', 'no colours, as NO_COLOR in the environment')
    .helpOption('-h, --help', 'print help, of any command')
    .addHelpCommand(new Command('help').argument('[command]').description('print help').helpGroup(more))
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ outputError: () => {}, writeErr: (text) => process.stderr.write(text) })
    .addHelpText('after', rootExamples)
  const wanted = (name: string) => words === undefined || words.includes(name)
  for (const [name, { summary, group, load }] of Object.entries(entries)) {
    const command = program.command(name, { hidden: group === hidden })
    if (group !== hidden) command.summary(summary).description(sentence(summary)).helpGroup(group)
    if (wanted(name)) (await load())(command)
  }
  return program
}

/** The subcommands that are meant for people. */
export function allCommands(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command)
}

const rootExamples = `
Examples:
  sluice up                                    start here, without a Kafka of your own
  sluice topics create orders --partitions 3
  sluice produce orders -K: < lines.txt        "key:value" lines
  sluice consume orders --from-beginning
  sluice consume orders --group billing --json | jq .value

Every command has --help, with examples. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done in part,
4 not found, 5 not reachable (try again).
`

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`
}

/** Examples below the help of a command. */
export function examples(command: Command, text: string): Command {
  const lines = text.trim().split('\n')
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line.trim()}`).join('\n')}`)
}
