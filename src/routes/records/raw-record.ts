import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { OutgoingRecord, RecordHeader } from '../../record.ts'
import { type AppContext, parseQuery } from '../route.ts'

const PREFIX = 'kafka-header-'

export const RawQuery = z.strictObject({
  key: z.string().optional().describe("Key of a raw body's record, as text."),
  partition: z
    .string()
    .regex(/^\d{1,10}$/, 'expected a partition number')
    .transform(Number)
    .pipe(z.number().max(0x7fffffff, 'expected a partition number'))
    .optional()
    .describe("Partition of a raw body's record."),
})

/**
 * The record that a raw body makes: its bytes are the value, `?key=` the key, each `Kafka-Header-NAME` header a record
 * header with the name in the case it was sent in, and the Content-Type is kept as record header `content-type`.
 * @throws Problem invalid_parameter
 */
export function rawRecord(c: AppContext, value: Buffer): OutgoingRecord {
  const { key, partition } = parseQuery(RawQuery, c)
  return {
    key: key === undefined ? null : Buffer.from(key),
    value,
    headers: headersOf(c.env.incoming),
    partition,
  }
}

function headersOf(incoming: IncomingMessage): RecordHeader[] {
  const headers: RecordHeader[] = []
  // Node hands header values over as Latin-1: turning them back gives the bytes that were sent.
  const bytes = (text: string) => Buffer.from(text, 'latin1')
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    const name = incoming.rawHeaders[i]!
    if (name.length <= PREFIX.length || name.slice(0, PREFIX.length).toLowerCase() !== PREFIX) continue
    headers.push({ name: bytes(name.slice(PREFIX.length)), value: bytes(incoming.rawHeaders[i + 1]!) })
  }
  const type = incoming.headers['content-type']
  if (
    type !== undefined &&
    !headers.some(({ name }) => name.toString('latin1').toLowerCase() === 'content-type')
  ) {
    headers.push({ name: Buffer.from('content-type'), value: bytes(type) })
  }
  return headers
}
