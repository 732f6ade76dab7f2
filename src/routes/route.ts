import type { IncomingMessage } from 'node:http'
import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import type { Context, Handler } from 'hono'
import { z } from 'zod'
import { TICKET } from '../auth/credentials.ts'
import type { Guard } from '../auth/guard.ts'
import { cluster, group, type Operation as AccessOperation, topic } from '../auth/policy.ts'
import type { Answer, Operation } from '../http/answer.ts'
import { isInternalTopic } from '../internal-topics.ts'
import type { Admission } from '../limits/admission.ts'
import { Problem, type ProblemPart } from '../problems/problem.ts'
import { type ProblemCode, problems } from '../problems/problems.ts'
import { reasonFor } from '../problems/schema-reasons.ts'
import { pointerToken } from '../records/json-pointer.ts'
import { checkAccept } from './accept.ts'

/** What a request came in, and what answers it. */
export interface Bindings {
  readonly incoming: IncomingMessage
  readonly outgoing: Answer
}
export type Env = { Bindings: Bindings }
/** The routes, who may use them, and how much. */
export type App = OpenAPIHono<Env> & {
  readonly guard: Guard
  readonly admission: Admission
  /**
   * Where Kafka is asked in the name of each client: finds what answers a route, by its method and path, for whoever
   * asks. @throws Problem
   */
  inNameOf?: ((route: string) => (c: AppContext) => Handler<Env>) | undefined
  /** Whether it is known who asks before a route is reached. */
  readonly isBehind?: boolean
}
export type AppContext = Context<Env>

/**
 * Who may use a route: everybody (`public`); those who may do this to the cluster, or to the topic or group of the path;
 * or, where the request names in other places what it is about, whoever may do what the handler then asks of the guard.
 */
export type Access =
  | 'public'
  | 'asked by the handler'
  | { readonly cluster: AccessOperation }
  | { readonly topic: AccessOperation }
  | { readonly group: AccessOperation }

export type Route = RouteConfig & { readonly access: Access }

/**
 * Adds a route and its entry in openapi.yaml. Who may not use it is refused before anything else is looked at. The handler checks its own input with the schemas of the entry
 * (parseQuery, readJson): the middleware of @hono/zod-openapi would cost a third of the requests per second, and answers
 * in a shape that isn't ours. `refusal` makes of an error before the handler what the handler would have thrown.
 */
export function addRoute(
  app: App,
  { access, ...route }: Route,
  handler: Handler<Env>,
  refusal: (error: unknown) => unknown = (error) => error,
): void {
  app.openAPIRegistry.registerPath({ ...route, security: access === 'public' ? [] : security })
  const types = answerTypes(route)
  const { guard, admission, isBehind = false } = app
  const method = route.method.toUpperCase()
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1')
  const inNameOf = access === 'public' ? undefined : app.inNameOf?.(`${method} ${path}`)
  const isGuarded = guard.enabled && access !== 'public'
  const changes = route.method !== 'get'
  const operation = operationOf(route)
  const serve: Handler<Env> = (c, next) => {
    c.env.outgoing.operation = operation
    try {
      if (access !== 'public') {
        admission.requireCalm()
        c.env.outgoing.allowance = admission.admit(c.env.incoming, c.env.outgoing)
      }
      if (isGuarded) requireAccess(guard, access, c)
      if (changes) guard.requirePage(c.env.incoming)
      checkAccept(c.env.incoming.headers.accept, types)
    } catch (error) {
      throw refusal(error)
    }
    return handler(c, next)
  }
  const serveClient: Handler<Env> = (c, next) => {
    let answer: Handler<Env>
    try {
      answer = inNameOf!(c)
    } catch (error) {
      throw refusal(error)
    }
    return answer(c, next)
  }
  const admitted = inNameOf === undefined ? serve : serveClient
  const guarded: Handler<Env> = (c, next) => {
    // Before it is known who asks: that is said of refusals too.
    c.env.outgoing.operation = operation
    try {
      admission.requireCalm()
      const waiting = guard.authenticate(c.env.incoming)
      if (waiting === undefined) return admitted(c, next)
      return waiting.then(
        () => admitted(c, next),
        (error: unknown) => {
          throw refusal(error)
        },
      )
    } catch (error) {
      throw refusal(error)
    }
  }
  app.on(method, path, isGuarded && !isBehind ? guarded : serve)
}

/** One of them, or none where the gateway asks for none. */
const security: Record<string, string[]>[] = [{ bearer: [] }, { basic: [] }, {}]

/** @throws Problem unauthenticated, forbidden */
function requireAccess(guard: Guard, access: Exclude<Access, 'public'>, c: AppContext): void {
  const caller = guard.callerOf(c.env.incoming)
  if (!caller.isKnown && !guard.admitsAnonymous) throw guard.unauthenticated()
  if (access === 'asked by the handler') return
  if ('topic' in access) caller.require(access.topic, topic(c.req.param('topic') ?? ''))
  else if ('group' in access) caller.require(access.group, group(c.req.param('group') ?? ''))
  else caller.require(access.cluster, cluster)
}

/** What changes nothing but records is no administration. */
const RECORD_TAGS: ReadonlySet<string> = new Set(['Records', 'Transactions'])

function operationOf({ operationId = '', method, path, tags = [] }: RouteConfig): Operation {
  const isRead = method === 'get' || method === 'head'
  const kind = isRead ? 'other' : tags.some((tag) => RECORD_TAGS.has(tag)) ? 'produce' : 'admin'
  return { id: operationId, method: method.toUpperCase(), template: path, kind }
}

/** The media types an operation answers in when it succeeds. */
function answerTypes(route: RouteConfig): string[] {
  const successes = Object.entries(route.responses).filter(([status]) => status.startsWith('2'))
  return [
    ...new Set(successes.flatMap(([, answer]) => Object.keys(('content' in answer && answer.content) || {}))),
  ]
}

/** What any operation can answer, whatever it does. */
const anywhere: readonly ProblemCode[] = [
  'bad_request',
  'credential_in_url',
  'unauthenticated',
  'invalid_credentials',
  'forbidden',
  'too_many_failed_logins',
  'rate_limited',
  'origin_not_allowed',
  'host_not_allowed',
  'auth_unavailable',
  'not_acceptable',
  'request_timeout',
  'headers_too_large',
  'kafka_too_old',
  'overloaded',
  'internal_error',
]

/** What an operation that takes a JSON body, of a shape, can answer for it. */
export const jsonBodyProblems: readonly ProblemCode[] = [
  'malformed_json',
  'body_too_large',
  'unsupported_media_type',
  'unsupported_content_encoding',
  'invalid_request',
]

/** What an operation that has to ask Kafka can answer for that. */
export const kafkaProblems: readonly ProblemCode[] = [
  'kafka_authorization',
  'kafka_auth_failed',
  'kafka_unavailable',
]

const tableOrder = new Map(Object.keys(problems).map((code, i) => [code, i]))

/** Problem documents of an operation, for its `responses`: each status with the codes it can mean. */
export function problemResponses(...codes: ProblemCode[]): RouteConfig['responses'] {
  const all = [...new Set([...codes, ...anywhere])]
  all.sort((a, b) => tableOrder.get(a)! - tableOrder.get(b)!)
  const byStatus = Map.groupBy(all, (code) => problems[code].status)
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, group]) => [
        status,
        {
          description: group.map((code) => `\`${code}\`: ${problems[code].title}.`).join(' '),
          content: { 'application/problem+json': { schema: ProblemDocument } },
        },
      ]),
  )
}

export const ProblemCodes = z
  .enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]])
  .meta({ id: 'ProblemCode', description: 'Stable: programs branch on this.' })

/** RFC 9457, as every error answer has it. */
export const ProblemDocument = z
  .looseObject({
    type: z.string().describe('Path of the page about this error.'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What happened this time.'),
    instance: z.string().describe('The request id, also in the X-Request-Id header and the log.'),
    code: ProblemCodes,
    retryable: z.boolean().describe('Whether the same request may succeed later and is safe to send again.'),
    outcome: z
      .enum(['not_written', 'unknown'])
      .optional()
      .describe('Of a produce: whether anything was written.'),
    transaction: z.string().optional().describe('Of a transaction that had begun: names it.'),
    state: z
      .enum(['aborted', 'unknown'])
      .optional()
      .describe(
        'Of a transaction: `aborted` is certain, nothing of it will be visible to read_committed readers.',
      ),
    changed: z
      .partialRecord(z.enum(['configs', 'partitions']), z.enum(['made', 'not_made', 'unknown']))
      .optional()
      .describe('Of a change of a topic that failed: what of it had been made.'),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().describe('RFC 6901 pointer into the body.'),
          parameter: z.string().optional().describe('Name of the query or path parameter, or of the header.'),
          reason: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem' })

/** Not "." nor "..", said without a lookahead, which not every language's regular expressions have. */
const topicPattern = /^(?:\.{0,2}[A-Za-z0-9_-][A-Za-z0-9._-]*|\.{3}[A-Za-z0-9._-]*)$/
const MAX_TOPIC_LENGTH = 249

/** A topic name as a path parameter or member, with the rule of Kafka's `Topic.java`. */
export const TopicName = z.string().max(MAX_TOPIC_LENGTH).regex(topicPattern).meta({
  id: 'TopicName',
  example: 'orders',
  description: 'Topic name: 1 to 249 of A-Z a-z 0-9 . _ -, other than "." and "..".',
})

/**
 * @throws Problem invalid_topic_name; internal_topic
 */
export function checkTopicName(name: string): string {
  if (name.length > MAX_TOPIC_LENGTH || !topicPattern.test(name)) throw new Problem('invalid_topic_name')
  if (isInternalTopic(name)) throw new Problem('internal_topic')
  return name
}

/** The `{topic}` of the path, percent-decoded once. @throws as checkTopicName */
export function topicParam(c: AppContext): string {
  return checkTopicName(c.req.param('topic') ?? '')
}

/**
 * The `{partition}` of the path.
 * @throws Problem invalid_partition
 */
export function partitionParam(c: AppContext): number {
  const text = c.req.param('partition') ?? ''
  if (!/^\d{1,10}$/.test(text) || Number(text) > 0x7fffffff) throw new Problem('invalid_partition')
  return Number(text)
}

/**
 * The query, checked by a strict schema: an unknown or repeated parameter is an error; those that may be `repeated` are
 * lists.
 * @throws Problem invalid_parameter naming each one
 */
export function parseQuery<S extends z.ZodObject>(
  schema: S,
  c: AppContext,
  repeated: readonly string[] = [],
): z.output<S> {
  const query: Record<string, string | string[]> = {}
  const errors: ProblemPart[] = []
  for (const [name, values] of Object.entries(c.req.queries())) {
    // Who asks, not what for.
    if (name === TICKET) continue
    const isList = repeated.includes(name)
    if (values.length > 1 && !isList) errors.push({ parameter: name, reason: 'given more than once' })
    query[name] = isList ? values : values[0]!
  }
  const result = schema.safeParse(query, { error: reasonFor })
  if (!result.success) {
    for (const issue of result.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) errors.push({ parameter: key, reason: 'no such parameter' })
      } else errors.push({ parameter: String(issue.path[0] ?? ''), reason: issue.message })
    }
  }
  if (errors.length > 0 || !result.success)
    throw new Problem('invalid_parameter', { errors, detail: summarise(errors) })
  return result.data
}

/** A JSON body that has been parsed, checked by a schema. @throws Problem invalid_request with a pointer for each fault */
export function checkBody<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value, { error: reasonFor })
  if (result.success) return result.data
  const errors = result.error.issues.flatMap((issue): ProblemPart[] => {
    const pointer = toPointer(issue.path)
    if (issue.code !== 'unrecognized_keys') return [{ pointer, reason: issue.message }]
    return issue.keys.map((key) => ({ pointer: `${pointer}${toPointer([key])}`, reason: 'no such member' }))
  })
  throw new Problem('invalid_request', { errors, detail: summarise(errors) })
}

/** RFC 6901. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${pointerToken(String(part))}`).join('')
}

function summarise(errors: readonly ProblemPart[]): string {
  const [first] = errors
  if (first === undefined) return 'The request is not acceptable.'
  const where = first.parameter ?? first.pointer ?? ''
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return `${where === '' ? 'The body' : where}: ${first.reason}${more}.`
}
