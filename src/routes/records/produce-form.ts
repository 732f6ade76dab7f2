import type { Limits } from '../../config/config.ts'
import { Problem } from '../../problems/problem.ts'
import type { ProduceBody } from '../../records/produce-body.ts'
import type { MediaType } from '../body.ts'
import type { AppContext } from '../route.ts'

/** What one record costs beside its bytes while it waits, roughly: objects, promises, its place in queues. */
export const RECORD_OVERHEAD_BYTES = 256

/** Makes records of a whole body. @throws Problem where it can't; nothing of it is written then */
export type BodyReader = (body: Buffer) => ProduceBody

/**
 * One form in which records are sent as one body: how to read it, or undefined where the request is not of this form.
 * What can be refused without the body is refused here, before it is read.
 */
export type ProduceForm = (
  c: AppContext,
  media: MediaType | undefined,
  limits: Limits,
) => BodyReader | undefined

export function unsupported(detail: string): Problem {
  return new Problem('unsupported_media_type', {
    detail,
    headers: { 'accept-post': 'application/json, */*' },
  })
}

/** @throws Problem unsupported_media_type where JSON says it is in another encoding than it can be in */
export function refuseOtherCharset({ charset }: MediaType): void {
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8') return
  throw unsupported('JSON is UTF-8: leave the charset out.')
}

export function overloaded(): Problem {
  return new Problem('overloaded', { retryAfter: 1, headers: { connection: 'close' } })
}
