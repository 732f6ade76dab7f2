import type { Limits } from '../../config.ts'
import type { ProduceBody } from '../../records/produce-body.ts'
import type { MediaType } from '../body.ts'
import type { AppContext } from '../route.ts'

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
