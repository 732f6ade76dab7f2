import { z } from 'zod'
import { parseProduceBody } from '../../records/produce-body.ts'
import { parseQuery } from '../route.ts'
import { type ProduceForm, refuseOtherCharset } from './produce-form.ts'

const NoQuery = z.strictObject({})

/** `application/json`: one record, or `{"records": [...]}`. */
export const jsonRecords: ProduceForm = (c, media, { maxBatchRecords }) => {
  if (media?.type !== 'application/json') return undefined
  refuseOtherCharset(media)
  if (c.req.url.includes('?')) parseQuery(NoQuery, c)
  return (body) => parseProduceBody(body, maxBatchRecords)
}
