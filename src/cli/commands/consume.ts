import { type Command, Option } from 'commander'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'
import type { ConsumeOptions } from '../consume/consume.ts'

/** `sluice consume`. */
export function defineConsume(command: Command): void {
  command
    .argument('<topic...>', 'names, or a prefix and "*"')
    .option('--from-beginning', 'from the first record there is')
    .option(
      '-o, --from <position>',
      'earliest, latest, an offset, -10 (the last ten), a time, "2h ago"; default: latest',
    )
    .option('-e, --exit', 'end where the topic ends; from the beginning, unless --from says otherwise')
    .option('--until <position>', 'end before an offset or a time')
    .option('--follow', 'wait for new records, until Ctrl-C; the default')
    .option('-c, --max-messages <n>', 'end after so many records')
    .option('-g, --group <name>', 'as a member of this group: what was printed is committed')
    .option('-p, --partition <n>', 'one partition alone')
    .option('--key <text>', 'only records with this key')
    .option('--header <name=value>', 'only records with this header; several: with all of them', collect)
    .option('--isolation <level>', 'read_committed leaves out transactions that are open or aborted')
    .option(
      '-f, --format <format>',
      'what to print: %k key, %v value, %p partition, %o offset, %t topic, %T time, %h headers',
    )
    .option('-K, --key-separator <text>', 'print the key, and this, before the value')
    .option('--timestamp', 'print the time before it')
    .option('--null-value <text>', 'what stands for null')
    .option('-D, --delimiter <text>', 'what ends each record; default: \\n')
    .addOption(new Option('--offset <position>').hideHelp())
  examples(
    command,
    `
    sluice consume test2 --from-beginning
    sluice consume orders -o -10 -e -f '%k: %v'
    sluice consume orders --group billing --json | jq .value
    sluice consume "logs-*" --from "2h ago" --header level=error
  `,
  )
  does(command, async (context, options: ConsumeOptions, topics: string[]) =>
    (await import('../consume/consume.ts')).consume(context, options, topics),
  )
}
