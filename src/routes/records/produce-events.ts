import type { IncomingHttpHeaders } from 'node:http'
import { dataKind } from '../../records/cloudevent-attributes.ts'
import { attributesOfHeaders } from '../../records/cloudevent-headers.ts'
import { eventRecord, invalidEvent, parseEvent, parseEventBatch } from '../../records/parse-cloudevents.ts'
import type { OutgoingRecord } from '../../records/record.ts'
import type { MediaType } from '../body.ts'
import { type AppContext, parseQuery } from '../route.ts'
import { type BodyReader, type ProduceForm, refuseOtherCharset, unsupported } from './produce-form.ts'
import { kafkaHeaders } from './kafka-headers.ts'
import { RawQuery } from './raw-record.ts'
import { WriteQuery } from './write-choice.ts'

export const EVENT = 'application/cloudevents+json'
export const EVENT_BATCH = 'application/cloudevents-batch+json'

/**
 * CloudEvents 1.0 in the three content modes of their HTTP binding: a structured event, a batch, or, where there are
 * `ce-*` headers, any type as the data of one. Each becomes a record of the Kafka binding in binary mode, so the mode an
 * event was sent in makes no difference to who reads it.
 * @throws Problem invalid_event, unsupported_media_type, invalid_parameter
 */
export const cloudEvents: ProduceForm = (c, media, { maxBatchRecords }) => {
  if (media?.type.startsWith('application/cloudevents') === true) return structured(c, media, maxBatchRecords)
  return isEvent(c.env.incoming.headers) ? binary(c) : undefined
}

function structured(c: AppContext, media: MediaType, maxBatchRecords: number): BodyReader {
  const { type } = media
  if (type !== EVENT && type !== EVENT_BATCH)
    throw unsupported(`Events are taken as ${EVENT} or ${EVENT_BATCH}, or with ce-* headers.`)
  refuseOtherCharset(media)
  if (type === EVENT_BATCH) {
    parseQuery(WriteQuery, c)
    return (body) => ({ batch: true, records: parseEventBatch(body, maxBatchRecords) })
  }
  const place = placeOf(c)
  return (body) => ({ batch: false, records: [place(parseEvent(body))] })
}

/** A body without a byte is no data, unless its type has a meaning for nothing: JSON has none. */
function binary(c: AppContext): BodyReader {
  const place = placeOf(c)
  const { rawHeaders, headers } = c.env.incoming
  const attributes = attributesOfHeaders(rawHeaders)
  const header = headers['content-type']
  // Node gives the bytes of a header as Latin-1.
  const type = header === undefined ? undefined : Buffer.from(header, 'latin1').toString()
  const isEmptyAllowed = type !== undefined && dataKind(type) !== 'json'
  return (body) => {
    const value = body.length > 0 || isEmptyAllowed ? body : null
    return { batch: false, records: [place(eventRecord(attributes, type, value))] }
  }
}

/**
 * Puts beside an event what the request says of its record. A key given by the caller comes before `partitionkey`, which
 * stays an attribute (Kafka binding, section 3.1).
 */
function placeOf(c: AppContext): (record: OutgoingRecord) => OutgoingRecord {
  const { key, partition } = parseQuery(RawQuery, c)
  const more = kafkaHeaders(c.env.incoming)
  const taken = more.find(({ name }) => /^(?:ce_|content-type$)/i.test(name.toString('latin1')))
  if (taken !== undefined) {
    const parameter = `kafka-header-${taken.name.toString('latin1').toLowerCase()}`
    throw invalidEvent([{ parameter, reason: 'the event itself says this' }])
  }
  return (record) => ({
    ...record,
    key: key === undefined ? record.key : Buffer.from(key),
    headers: [...record.headers, ...more],
    partition,
  })
}

/**
 * Whether a request is meant as an event in binary mode: it has one of the attributes that every event has. What is
 * missing of the others is for the caller to hear.
 */
export function isEvent(headers: IncomingHttpHeaders): boolean {
  // Looked up one by one: every request comes by here.
  return (
    headers['ce-id'] !== undefined ||
    headers['ce-specversion'] !== undefined ||
    headers['ce-source'] !== undefined ||
    headers['ce-type'] !== undefined
  )
}
