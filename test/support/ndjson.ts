import { http } from './http.ts'
import type { StreamedRecord } from './event-stream.ts'

export interface Exported {
  /** All but the last line, where that is no record. */
  readonly records: (StreamedRecord & { readonly cursor: string })[]
  readonly last: Record<string, unknown> | undefined
}

/** Reads a topic as NDJSON to the end of the answer, each line held against the contract. */
export async function exportTopic(
  gateway: { readonly url: string },
  topic: string,
  query: Readonly<Record<string, string>> | [string, string][] = {},
): Promise<Exported> {
  const path = `/v1/topics/${topic}/records?${new URLSearchParams(query)}`
  const answer = await http(gateway).get(path, { headers: { accept: 'application/x-ndjson' } })
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`)
  return parseExport(answer.text)
}

/** What there is in NDJSON of records; a last line that was cut is left out. */
export function parseExport(text: string): Exported {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  const lines = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const isRecord = (line: Record<string, unknown> | undefined) => line !== undefined && 'offset' in line
  const last = isRecord(lines.at(-1)) ? undefined : lines.pop()
  return { records: lines as unknown as Exported['records'], last }
}
