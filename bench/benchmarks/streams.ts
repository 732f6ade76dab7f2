import { type Bench, withGateway } from '../harness/bench.ts'
import { compareRates } from '../harness/compare.ts'
import { interleave } from '../harness/interleave.ts'
import type { Row } from '../harness/row.ts'
import { fill } from '../load/fill.ts'
import { streamReader } from '../load/stream-reader.ts'
import { websocketReader } from '../load/websocket-reader.ts'
import { READ_RECORDS } from './websocket.ts'

/** A topic read as server-sent events and as NDJSON, the cursor with every record, against one WebSocket. */
export async function streams(bench: Bench): Promise<Row[]> {
  const { options, topics, brokers, progress } = bench
  const topic = await topics.make(3)
  progress(`writing ${READ_RECORDS} records`)
  await fill({ brokers, topic, records: READ_RECORDS })
  const read = { topic, records: READ_RECORDS }
  const sides = await withGateway(bench, (server) =>
    interleave(
      {
        events: () => streamReader({ ...read, ...server, accept: 'text/event-stream' }),
        ndjson: () => streamReader({ ...read, ...server, accept: 'application/x-ndjson' }),
        baseline: () => websocketReader({ ...read, ...server }),
      },
      options.rounds,
      progress,
    ),
  )
  await topics.remove([topic])
  const { baseline } = sides
  const head = { benchmark: 'streams', unit: 'records/s', against: 'one WebSocket' }
  return [
    compareRates({ ...head, what: 'server-sent events' }, { figure: sides.events, baseline }),
    compareRates({ ...head, what: 'NDJSON' }, { figure: sides.ndjson, baseline }),
  ]
}
