import { z } from 'zod'
import { Problem } from '../../problems/problem.ts'
import type { AppContext } from '../route.ts'

const nodeId = z.int().min(0).max(0x7fffffff)

/** A broker or controller, by its number in the cluster. */
export const NodeId = nodeId.meta({ id: 'NodeId', example: 1 })

/** The same where there may be none: a schema with a name would not be null in openapi.yaml, whatever is said of it. */
export const NodeIdOrNull = nodeId.nullable()

/** Node ids of brokers that did not answer in time, of an answer that does without them. */
export const Unanswered = z
  .array(NodeId)
  .describe('Brokers that did not answer within five seconds: what only they know is missing.')

/** The `{broker}` of the path. @throws Problem invalid_parameter */
export function brokerParam(c: AppContext): number {
  const text = c.req.param('broker') ?? ''
  if (/^\d{1,10}$/.test(text) && Number(text) <= 0x7fffffff) return Number(text)
  const reason = 'expected the node id of a broker, such as 1'
  throw new Problem('invalid_parameter', {
    detail: `broker: ${reason}.`,
    errors: [{ parameter: 'broker', reason }],
  })
}
