import { z } from 'zod'
import type { Caller } from '../../auth/caller.ts'
import { resourceText } from '../../audit/resource.ts'
import type { Deps } from '../../deps.ts'
import { isInternalGroup } from '../../internal-groups.ts'
import type { TransactionRequest } from '../../kafka/transactions/types.ts'
import { Problem, type ProblemPart } from '../../problems/problem.ts'
import { parseTransactionBody, type TransactionBody as ParsedBody } from '../../records/produce-body.ts'
import { checkJsonType, parseJson, parseMediaType, readBody } from '../body.ts'
import { checkTopics } from '../check-topics.ts'
import {
  addRoute,
  type App,
  type AppContext,
  checkBody,
  jsonBodyProblems,
  kafkaProblems,
  parseQuery,
  problemResponses,
} from '../route.ts'
import { RECORD_OVERHEAD_BYTES } from '../records/produce-form.ts'
import { TransactionBody, TransactionCommitted, TransactionMembers } from './transaction-schemas.ts'

/** Transactions share one part of the byte budget: no topic is called so. */
const BUDGET = '/transactions'
const MAX_REPORTED = 20
const NoQuery = z.strictObject({})

export function registerCommitTransaction(app: App, deps: Deps): void {
  addRoute(
    app,
    route,
    async (c) => {
      try {
        return await commitTransaction(c, deps, app.guard.callerOf(c.env.incoming))
      } catch (error) {
        throw withState(error)
      }
    },
    withState,
  )
}

async function commitTransaction(
  c: AppContext,
  { config: { limits }, transactions, budget }: Deps,
  caller: Caller,
): Promise<Response> {
  parseQuery(NoQuery, c)
  checkJsonType(parseMediaType(c.req.header('content-type')))
  let reserved = 0
  const reserve = (bytes: number) => {
    if (!budget.tryReserve(BUDGET, bytes, reserved)) {
      throw new Problem('overloaded', { retryAfter: 1, headers: { connection: 'close' } })
    }
    reserved += bytes
  }
  try {
    const bytes = await readBody(c.env, limits.maxBodyBytes, reserve)
    const body = parseTransactionBody(bytes, limits.maxBatchRecords, Object.keys(TransactionMembers.shape))
    reserve(body.records.length * RECORD_OVERHEAD_BYTES)
    const { request, timeoutMs, id } = toRequest(body, limits)
    Object.assign(c.env.outgoing, { records: body.records.length, receivedBytes: bytes.length })
    c.env.outgoing.resource = resourceText(request.records.map(({ topic }) => `topic:${topic}`))
    requireAll(caller, request)
    const ownId = id === undefined ? undefined : caller.ownName(id)
    const { transaction, duplicate, results } = await transactions
      .commit(request, { timeoutMs, id: ownId })
      .catch((error: unknown) => {
        throw id === undefined ? error : named(error, id)
      })
    return c.json({ transaction: id ?? transaction, state: 'committed', duplicate, results }, 200)
  } finally {
    budget.release(BUDGET, reserved)
  }
}

/** @throws Problem unauthenticated, forbidden */
function requireAll(caller: Caller, { records, offsets }: TransactionRequest): void {
  caller.requireTopics(
    'produce',
    records.map(({ topic }) => topic),
  )
  if (offsets === undefined) return
  caller.requireGroup('consume', offsets.group)
  caller.requireTopics(
    'consume',
    offsets.offsets.map(({ topic }) => topic),
  )
}

/** Names the transaction as the client did. */
function named(error: unknown, id: string): unknown {
  if (!(error instanceof Problem) || error.options.extra?.transaction === undefined) return error
  const { code, options } = error
  return new Problem(code, { ...options, extra: { ...options.extra, transaction: id } })
}

/** @throws Problem for whatever can be known to be wrong without asking Kafka */
function toRequest(
  { records, members }: ParsedBody,
  limits: { readonly produceTimeoutMs: number; readonly maxBatchRecords: number },
): { request: TransactionRequest; timeoutMs: number; id: string | undefined } {
  const values = Object.fromEntries([...members].map(([name, text]) => [name, parseJson(text)]))
  const { offsets, timeoutMs, id } = checkBody(TransactionMembers, values)
  const most = limits.produceTimeoutMs
  if ((timeoutMs ?? 0) > most) {
    throw invalid([{ pointer: '/timeoutMs', reason: `expected an integer from 100 to ${most}` }])
  }
  if (records.length === 0 && !offsets) throw new Problem('empty_transaction')
  checkTopics([
    ...records.map(({ topic }, i) => ({ topic, pointer: `/records/${i}/topic` })),
    ...(offsets?.offsets ?? []).map(({ topic }, i) => ({ topic, pointer: `/offsets/offsets/${i}/topic` })),
  ])
  if (offsets && isInternalGroup(offsets.group))
    throw invalid([{ pointer: '/offsets/group', reason: 'a name that the gateway keeps for itself' }])
  if (offsets) checkOffsets(offsets.offsets, limits.maxBatchRecords)
  const given = offsets && {
    group: offsets.group,
    offsets: offsets.offsets.map(({ metadata = '', ...position }) => ({ ...position, metadata })),
  }
  const request = { records, offsets: given ?? undefined }
  return { request, timeoutMs: timeoutMs ?? most, id: id ?? undefined }
}

function checkOffsets(offsets: readonly { topic: string; partition: number }[], most: number): void {
  const errors: ProblemPart[] = []
  if (offsets.length > most) errors.push({ pointer: '/offsets/offsets', reason: `more than ${most} offsets` })
  const seen = new Set<string>()
  offsets.forEach(({ topic, partition }, i) => {
    const name = `${topic}/${partition}`
    if (seen.has(name)) errors.push({ pointer: `/offsets/offsets/${i}`, reason: 'a partition given twice' })
    seen.add(name)
  })
  if (errors.length > 0) throw invalid(errors.slice(0, MAX_REPORTED))
}

function invalid(errors: readonly ProblemPart[]): Problem {
  return new Problem('invalid_request', { errors, detail: `${errors[0]!.pointer}: ${errors[0]!.reason}.` })
}

/** Whatever stops a request before its transaction began has left nothing behind, and says so. */
function withState(error: unknown): unknown {
  if (!(error instanceof Problem) || error.options.extra?.state !== undefined) return error
  const { code, options } = error
  return new Problem(code, {
    ...options,
    outcome: 'not_written',
    extra: { ...options.extra, state: 'aborted' },
  })
}

const route = {
  operationId: 'commitTransaction',
  access: 'asked by the handler' as const,
  method: 'post' as const,
  path: '/v1/transactions',
  tags: ['Transactions'],
  summary: 'Commit a transaction',
  description: [
    "Writes records to any topics, and commits a group's offsets with them where asked, all or nothing: readers with",
    '`isolation=read_committed` see all of it or none. An answer other than 200 or 504 says that nothing of it will ever be',
    'visible to them (`state: "aborted"`). 504 says that this is not known yet, and which `transaction` to ask for. With an',
    '`id` of your own the same request may be sent again and is committed once: there it is `write_unconfirmed`, which is',
    'retryable, and without an `id` `outcome_unknown`, which is not.',
  ].join('\n'),
  request: { body: { required: true, content: { 'application/json': { schema: TransactionBody } } } },
  responses: {
    200: {
      description: 'The transaction is committed.',
      content: { 'application/json': { schema: TransactionCommitted } },
    },
    ...problemResponses(
      ...kafkaProblems,
      ...jsonBodyProblems,
      'internal_topic',
      'topic_not_found',
      'partition_not_found',
      'stale_member',
      'transaction_superseded',
      'transaction_conflict',
      'record_too_large',
      'invalid_topic_name',
      'invalid_parameter',
      'invalid_partition',
      'invalid_encoding',
      'invalid_headers',
      'empty_transaction',
      'too_many_records',
      'record_rejected',
      'policy_violation',
      'transaction_timeout_refused',
      'not_enough_replicas',
      'overloaded',
      'shutting_down',
      'outcome_unknown',
      'write_unconfirmed',
    ),
  },
}
