import type { Command } from 'commander'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'
import type { ProduceOptions } from '../produce/produce.ts'

/** `sluice produce`. */
export function defineProduce(command: Command): void {
  command
    .argument('<topic>')
    .option('-K, --key-separator <text>', 'a line is KEY, this, VALUE')
    .option('-k, --key <text>', 'the key of all records')
    .option('--null-value <text>', 'a line, or part, that is this text is null: such as NULL')
    .option('-H, --header <name=value>', 'a record header, any number of times', collect)
    .option('-p, --partition <n>', 'the partition, in place of the one the key chooses')
    .option('--timestamp <ms>', 'milliseconds since the epoch, in place of now')
    .option('-l, --file <file>', 'read this in place of standard input')
    .option('-a, --acks <who>', 'who must have a record: all (in-sync replicas), or 1, the leader')
    .option('-T, --tee', 'print what was read, too')
  examples(
    command,
    `
    echo "hello" | sluice produce test2
    sluice produce orders -K: -H source=shell < lines.txt
    sluice produce orders --json < records.ndjson
    tail -f app.log | sluice produce logs --tee
  `,
  )
  command.addHelpText(
    'after',
    '\nWith --json each line is a record: {"key": "a", "value": {"n": 1}, "headers": {"x": "y"}}.',
  )
  does(command, async (context, options: ProduceOptions, topic: string) =>
    (await import('../produce/produce.ts')).produce(context, options, topic),
  )
}
