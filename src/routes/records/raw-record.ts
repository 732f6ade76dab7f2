import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { Problem } from '../../problems/problem.ts'
import type { RecordHeader } from '../../records/record.ts'
import { pointerTokens } from '../../records/json-pointer.ts'
import type { MediaType } from '../body.ts'
import { type AppContext, parseQuery } from '../route.ts'
import { kafkaHeaders, keptHeaders, bytesOf } from './kafka-headers.ts'
import { type ProduceForm, unsupported } from './produce-form.ts'
import { keyReader } from './raw-key.ts'
import { WriteQuery } from './write-choice.ts'

/** What requests prove themselves by: topics are read by others. */
const secretHeaders = new Set(['authorization', 'proxy-authorization', 'cookie'])
/** RFC 9110, section 5.1. */
const HeaderName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'expected the name of a request header')
  .refine((name) => !secretHeaders.has(name.toLowerCase()), 'holds credentials, which belong in no topic')

/** What the query says of a record that is made of a body. */
export const RawQuery = z.strictObject({
  ...WriteQuery.shape,
  key: z.string().optional().describe("Key of a raw body's record, as text."),
  partition: z
    .string()
    .regex(/^\d{1,10}$/, 'expected a partition number')
    .transform(Number)
    .pipe(z.number().max(0x7fffffff, 'expected a partition number'))
    .optional()
    .describe("Partition of a raw body's record."),
})

/** The same of one whose value is the body's bytes. */
export const ValueQuery = RawQuery.extend({
  value: z
    .literal('body', { error: 'expected body' })
    .optional()
    .describe("`body`: the body's bytes are one record's value, whatever their type; JSON as well."),
  keyHeader: HeaderName.optional().describe("Request header whose bytes are a raw body's key."),
  keyPointer: z
    .string()
    .refine((pointer) => pointerTokens(pointer) !== undefined, 'expected a JSON pointer (RFC 6901)')
    .optional()
    .describe('JSON pointer (RFC 6901) to the string or number in a raw body that is its key.'),
  headers: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .pipe(z.array(HeaderName))
    .optional()
    .describe(
      'Request headers, by comma, kept as record headers under these names where the request has them.',
    ),
  timestamp: z
    .string()
    .regex(/^\d{1,16}$/, 'expected milliseconds since the epoch')
    .transform(Number)
    .pipe(z.number().max(Number.MAX_SAFE_INTEGER, 'expected milliseconds since the epoch'))
    .optional()
    .describe("Timestamp of a raw body's record, in milliseconds since the epoch; now, where left out."),
})

/** Whether the caller wants the body taken as a value, whatever its type says it could mean. */
export function isValue({ url = '' }: IncomingMessage): boolean {
  return url.includes('value=') && new URLSearchParams(url.slice(url.indexOf('?'))).has('value')
}

/** `?value=body`: as rawRecord, whatever the type. */
export const askedValue: ProduceForm = (c, media, limits) =>
  isValue(c.env.incoming) ? rawRecord(c, media, limits) : undefined

/**
 * Any other type: the body's bytes are one record's value; `?key=` is its key, or `?keyHeader=` or `?keyPointer=` says
 * where that is. Each `Kafka-Header-NAME` header is a record header with the name in the case it was sent in, and the
 * Content-Type is kept as record header `content-type`.
 * @throws Problem invalid_parameter, invalid_request, malformed_json
 */
export const rawRecord: ProduceForm = (c, media) => {
  const { partition, timestamp, headers: kept = [], ...query } = parseQuery(ValueQuery, c)
  const key = keyReader(query, c.env.incoming)
  return (value) => {
    refuseMistaken(media, value)
    const headers = headersOf(c, kept)
    return { batch: false, records: [{ key: key(value), value, headers, partition, timestamp }] }
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

function headersOf({ env: { incoming } }: AppContext, kept: readonly string[]): RecordHeader[] {
  const headers = [...kafkaHeaders(incoming), ...keptHeaders(incoming, kept)]
  const type = incoming.headers['content-type']
  if (
    type !== undefined &&
    !headers.some(({ name }) => name.toString('latin1').toLowerCase() === 'content-type')
  ) {
    headers.push({ name: Buffer.from('content-type'), value: bytesOf(type) })
  }
  return headers
}
