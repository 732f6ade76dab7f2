import { skipSpace, scanJson } from '../../records/json-scan.ts'
import { walkObject } from '../../records/json-walk.ts'
import type { Context } from '../context.ts'
import { produceLines } from '../produce/produce.ts'

export interface ImportOptions {
  readonly keepPartitions?: boolean
  readonly newTimestamps?: boolean
  readonly acks?: string
}

const OPEN_BRACE = 0x7b
/** Members of a record as it is read that a record to be written has, too. */
const members = ['key', 'keyEncoding', 'value', 'valueEncoding', 'headers']

/** `sluice import`: writes what `sluice export` read, or the NDJSON that the gateway exports. */
export async function importTopic(
  context: Context,
  { keepPartitions = false, newTimestamps = false, acks }: ImportOptions,
  topic: string,
  file: string | undefined,
): Promise<void> {
  const kept = new Set([
    ...members,
    ...(keepPartitions ? ['partition'] : []),
    ...(newTimestamps ? [] : ['timestamp']),
  ])
  await produceLines(context, { json: true, record: (line) => recordOf(line, kept) }, { file, acks }, topic)
}

/**
 * The record to write that an exported line stands for, its members byte for byte; undefined for a line that is none,
 * as the last one of an export. What is no JSON is left to the gateway to refuse.
 */
export function recordOf(line: Buffer, kept: ReadonlySet<string>): string | undefined {
  const start = skipSpace(line, 0, line.length)
  if (line[start] !== OPEN_BRACE) return line.toString('utf8')
  const parts: string[] = []
  let isRecord = false
  const end = walkObject(line, start, (name, value) => {
    const valueEnd = scanJson(line, value)
    if (name === 'value') isRecord = true
    if (valueEnd >= 0 && kept.has(name))
      parts.push(`${JSON.stringify(name)}:${line.toString('utf8', value, valueEnd)}`)
    return valueEnd
  })
  if (end < 0) return line.toString('utf8')
  return isRecord ? `{${parts.join(',')}}` : undefined
}
