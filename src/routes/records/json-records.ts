import { z } from 'zod'
import { Problem } from '../../problem.ts'
import { parseProduceBody } from '../../records/produce-body.ts'
import { type MediaType } from '../body.ts'
import { parseQuery } from '../route.ts'
import type { ProduceForm } from './produce-form.ts'

const NoQuery = z.strictObject({})

/** `application/json`: one record, or `{"records": [...]}`. */
export const jsonRecords: ProduceForm = (c, media, { maxBatchRecords }) => {
  if (media?.type !== 'application/json') return undefined
  checkUtf8(media)
  if (c.req.url.includes('?')) parseQuery(NoQuery, c)
  return (body) => parseProduceBody(body, maxBatchRecords)
}

function checkUtf8({ charset }: MediaType): void {
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return
  throw new Problem('unsupported_media_type', {
    detail: 'JSON is UTF-8: leave the charset out.',
    headers: { 'accept-post': 'application/json, */*' },
  })
}
