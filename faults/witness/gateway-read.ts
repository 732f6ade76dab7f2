import type { LogRecord } from '../checker/log.ts'
import { pollsOf, type ReadJson } from '../workers/clients/polls.ts'
import { call } from '../workers/http.ts'

const TRIES = 20

/** Every committed record of the topics as the gateway has them, up to the mark behind them. @throws where it can't be had */
export async function readThroughGateway(url: string, topics: readonly string[]): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (const topic of topics) {
    let position = 'from=earliest'
    for (let tries = 0, isOver = false; !isOver;) {
      const path = `/v1/topics/${topic}/records?limit=10000&maxBytes=4194304&isolation=read_committed&${position}`
      const answer = await call<{ records: ReadJson[]; cursor: string; caughtUp: boolean }>(url + path, {
        // Nothing of it is to stay open.
        isElsewhere: true,
      })
      if (answer?.ok !== true) {
        if (++tries === TRIES) throw new Error(`${topic} can't be read: ${JSON.stringify(answer)}`)
        continue
      }
      const { json } = answer
      position = `cursor=${json.cursor}`
      isOver = json.caughtUp
      for (const seen of pollsOf(json.records)) {
        if (seen.f !== 'poll') continue
        for (const [offset, id, digest] of seen.records) {
          records.push({ topic, partition: seen.partition, offset, id, digest })
        }
      }
    }
  }
  return records
}
