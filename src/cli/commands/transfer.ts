import type { Command } from 'commander'
import type { BenchOptions } from '../bench/bench.ts'
import { collect, does } from '../context.ts'
import { examples } from '../program.ts'
import type { ExportOptions } from '../transfer/export.ts'
import type { ImportOptions } from '../transfer/import.ts'

/** `sluice export`. */
export function defineExport(command: Command): void {
  command
    .argument('<topic>')
    .option('-o, --output <file>', 'write this in place of standard output')
    .option('--from <position>', 'where to start: earliest (the default), an offset, a time, "2 days ago"')
    .option('--until <position>', 'where to end: latest (the default), an offset, a time')
    .option('-p, --partition <n>', 'one partition alone')
    .option('--key <text>', 'only records with this key')
    .option('--header <name=value>', 'only records with this header; several: with all of them', collect)
    .option('--isolation <level>', 'read_committed leaves out transactions that are open or aborted')
  examples(
    command,
    `
    sluice export orders -o orders.ndjson
    sluice export orders --from "1 day ago" | gzip > orders.ndjson.gz
  `,
  )
  does(command, async (context, options: ExportOptions, topic: string) =>
    (await import('../transfer/export.ts')).exportTopic(context, options, topic),
  )
}

/** `sluice import`. */
export function defineImport(command: Command): void {
  command
    .argument('<topic>')
    .argument('[file]', 'what `sluice export` wrote; standard input where left out')
    .option('--keep-partitions', 'each record into the partition it came from')
    .option('--new-timestamps', 'the time of now, in place of the one they had')
    .option('-a, --acks <who>', 'who must have a record: all (in-sync replicas), or 1, the leader')
  examples(
    command,
    `
    sluice import orders-copy orders.ndjson
    sluice export orders | sluice --url http://other:8080 import orders
  `,
  )
  does(command, async (context, options: ImportOptions, topic: string, file: string | undefined) =>
    (await import('../transfer/import.ts')).importTopic(context, options, topic, file),
  )
}

/** `sluice bench`. */
export function defineBench(command: Command): void {
  command
    .option('-n, --records <n>', 'how many records', '200000')
    .option('-s, --size <bytes>', 'how large the value of each is', '100')
    .option('-p, --partitions <n>', 'of the topic that it makes', '3')
    .option('--topic <topic>', 'use this one, which stays, in place of one that it makes and deletes')
  examples(
    command,
    `
    sluice bench
    sluice bench --records 1000000 --size 1KB --json
  `,
  )
  does(command, async (context, options: BenchOptions) =>
    (await import('../bench/bench.ts')).bench(context, options),
  )
}
