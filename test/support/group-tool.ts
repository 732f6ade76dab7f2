import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { kafkaTool } from './kafka-tools/index.ts'
import { temporaryDir } from './temporary-dir.ts'

type Row = Record<string, string>

/**
 * What kafka-consumer-groups prints as a table, row by row, by column: for names and values without spaces. Lines that
 * are no rows of a table, such as warnings, are left out.
 */
export async function groupTable(args: readonly string[], bootstrap: string): Promise<Row[]> {
  const printed = await kafkaTool('kafka-consumer-groups', args, bootstrap)
  const lines = printed.split('\n').map((line) => line.trim().split(/ +/))
  const start = lines.findIndex(([first]) => first === 'GROUP')
  const header = lines[start] ?? []
  return lines
    .slice(start + 1)
    .filter((words) => words.length >= header.length)
    .map((words) => Object.fromEntries(header.map((name, i) => [name, words[i] ?? ''])))
}

/** Commits offsets, `{topic: [of partition 0, of partition 1]}`, for a group without members, as kafka-consumer-groups does. */
export async function commitByTool(
  group: string,
  offsets: Readonly<Record<string, readonly number[]>>,
  bootstrap: string,
): Promise<void> {
  const file = join(temporaryDir(), 'offsets.csv')
  const lines = Object.entries(offsets).flatMap(([topic, own]) =>
    own.map((offset, partition) => `${topic},${partition},${offset}`),
  )
  await writeFile(file, lines.join('\n'))
  const args = ['--reset-offsets', '--group', group, '--from-file', file, '--execute']
  await kafkaTool('kafka-consumer-groups', args, bootstrap)
}
