import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { Problem } from '../../problem.ts'
import type { RecordHeader } from '../../record.ts'
import type { MediaType } from '../body.ts'
import { parseQuery } from '../route.ts'
import { type ProduceForm, unsupported } from './produce-form.ts'

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
 * Any other type: the body's bytes are one record's value, `?key=` its key, each `Kafka-Header-NAME` header a record
 * header with the name in the case it was sent in, and the Content-Type is kept as record header `content-type`.
 * @throws Problem invalid_parameter
 */
export const rawRecord: ProduceForm = (c, media) => {
  const { key, partition } = parseQuery(RawQuery, c)
  return (value) => {
    refuseMistaken(media, value)
    const headers = headersOf(c.env.incoming)
    const record = { key: key === undefined ? null : Buffer.from(key), value, headers, partition }
    return { batch: false, records: [record] }
  }
}

/** A forgotten body is no empty record, and curl's default type with JSON in it is a forgotten header, not a form. */
function refuseMistaken(media: MediaType | undefined, bytes: Buffer): void {
  if (media === undefined && bytes.length === 0) {
    throw new Problem('invalid_request', {
      detail: 'There is no body. To write an empty value, say its Content-Type.',
    })
  }
  if (media?.type !== 'application/x-www-form-urlencoded' || bytes[0] !== 0x7b) return
  throw unsupported(
    "The body looks like JSON but says it is a form, which is curl's default: add -H 'content-type: application/json'.",
  )
}

function headersOf(incoming: IncomingMessage): RecordHeader[] {
  const headers = kafkaHeaders(incoming)
  const type = incoming.headers['content-type']
  if (
    type !== undefined &&
    !headers.some(({ name }) => name.toString('latin1').toLowerCase() === 'content-type')
  ) {
    headers.push({ name: Buffer.from('content-type'), value: bytesOf(type) })
  }
  return headers
}

/** The record headers that `Kafka-Header-NAME` headers ask for, in order. */
export function kafkaHeaders({ rawHeaders }: IncomingMessage): RecordHeader[] {
  const headers: RecordHeader[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length <= PREFIX.length || name.slice(0, PREFIX.length).toLowerCase() !== PREFIX) continue
    headers.push({ name: bytesOf(name.slice(PREFIX.length)), value: bytesOf(rawHeaders[i + 1]!) })
  }
  return headers
}

/** Node hands header values over as Latin-1: turning them back gives the bytes that were sent. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
