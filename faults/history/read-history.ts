import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { HistoryEvent } from './events.ts'

/** Where a run's histories are, one of each worker process. */
export function historyFile(folder: string, process: string): string {
  return join(folder, `history-${process}.ndjson`)
}

/** The histories of all processes as one, in the order in which things happened. */
export async function readHistory(folder: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = []
  for (const name of readdirSync(folder).filter((each) => /^history-.*\.ndjson$/.test(each))) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      // The last line of a process that was killed may be half a line.
      if (line.endsWith('}')) events.push(JSON.parse(line) as HistoryEvent)
    }
  }
  return events.sort((a, b) => a.at - b.at)
}
