import { readRecordBatches } from '../../src/kafka/wire/record-batch-reader.ts'
import { ByteWriter } from '../../src/records/byte-writer.ts'
import { scanJson } from '../../src/records/json-scan.ts'
import { recordPrefix, renderRecord } from '../../src/records/render-record.ts'
import { makeBatch } from '../../test/support/record-batch.ts'
import { inOwnProcess } from '../harness/own-process.ts'
import { keyAt, valueAt } from './records.ts'

export interface ReadPartsResult {
  /** Records of 100 bytes a second. */
  readonly decoded: number
  readonly rendered: number
  /** The same records through JSON.parse and JSON.stringify. */
  readonly stringified: number
  /** MB a second. */
  readonly scanned: number
  readonly parsed: number
}

const RECORDS = 5_000
const ROUNDS = 100

/** The parts of a record's way out, each by itself, without Kafka. */
export const readParts = inOwnProcess(import.meta, async (): Promise<ReadPartsResult> => {
  const records = Array.from({ length: RECORDS }, (_, i) => ({
    key: Buffer.from(keyAt(i)),
    value: Buffer.from(valueAt(i)),
  }))
  const batch = makeBatch({ records })
  const decode = () => readRecordBatches(batch, { from: 0 }).records
  const fetched = decode()
  const prefix = recordPrefix('orders', 3)
  const out = new ByteWriter(2_097_152)
  const document = Buffer.from(`[${records.map(({ value }) => value.toString()).join(',\n')}]`)
  const render = () => {
    out.truncate(0)
    for (const record of fetched) renderRecord(out, prefix, record, 'auto')
  }
  const stringify = () => {
    for (const { bytes, offset, timestamp, keyStart, keyEnd, valueStart, valueEnd } of fetched) {
      JSON.stringify({
        topic: 'orders',
        partition: 3,
        offset,
        timestamp,
        key: bytes.toString('utf8', keyStart, keyEnd),
        value: JSON.parse(bytes.toString('utf8', valueStart, valueEnd)) as unknown,
        headers: {},
      })
    }
  }
  const recordsPerSecond = (work: () => unknown) => (RECORDS * ROUNDS) / secondsOf(work)
  const megabytesPerSecond = (work: () => unknown) => (document.length * ROUNDS) / 1e6 / secondsOf(work)
  return Promise.resolve({
    decoded: recordsPerSecond(decode),
    rendered: recordsPerSecond(render),
    stringified: recordsPerSecond(stringify),
    scanned: megabytesPerSecond(() => scanJson(document, 0)),
    parsed: megabytesPerSecond(() => JSON.parse(document.toString()) as unknown),
  })
})

/** Seconds that ROUNDS of it take, after as many that warm it up. */
function secondsOf(work: () => unknown): number {
  for (let round = 0; round < ROUNDS; round++) work()
  const began = performance.now()
  for (let round = 0; round < ROUNDS; round++) work()
  return (performance.now() - began) / 1_000
}
