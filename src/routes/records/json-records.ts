import { z } from 'zod'
import { parseProduceBody } from '../../records/produce-body.ts'
import { parseQuery } from '../route.ts'
import { refuseKafkaHeaders } from './kafka-headers.ts'
import { ValueQuery } from './raw-record.ts'
import { WriteQuery } from './write-choice.ts'
import { type ProduceForm, refuseOtherCharset } from './produce-form.ts'

/** What the query can say of a raw body only. */
const onlyRaw = z
  .never({ error: 'goes with value=body, which makes the body the value of one record' })
  .optional()
const JsonQuery = z.strictObject({
  ...Object.fromEntries(Object.keys(ValueQuery.shape).map((name) => [name, onlyRaw])),
  ...WriteQuery.shape,
})

/** `application/json`: one record, or `{"records": [...]}`. */
export const jsonRecords: ProduceForm = (c, media, { maxBatchRecords }) => {
  if (media?.type !== 'application/json') return undefined
  refuseOtherCharset(media)
  refuseKafkaHeaders(c.env.incoming)
  if (c.req.url.includes('?')) parseQuery(JsonQuery, c)
  return (body) => parseProduceBody(body, maxBatchRecords)
}
