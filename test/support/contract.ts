import { readFileSync } from 'node:fs'
import addFormats from 'ajv-formats'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { parse } from 'yaml'
import type { OpenApiDocument, Operation } from '../../src/contract/openapi.ts'

/** The contract as it is committed, which is what clients are generated from. */
export const contract = parse(
  readFileSync(new URL('../../openapi.yaml', import.meta.url), 'utf8'),
) as OpenApiDocument

const ajv = new Ajv2020({ allErrors: true, strict: false })
addFormats.default(ajv)
ajv.addSchema(contract, 'contract')

const templates = Object.keys(contract.paths).map((template) => ({
  template,
  pattern: new RegExp(
    `^${template.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{\w+\}/g, '[^/]+')}$`,
  ),
  parameters: template.split('{').length,
}))

/** The path of the contract that a request's path is one of, undefined where it has none. */
export function templateOf(pathname: string): string | undefined {
  return templates
    .filter(({ pattern }) => pattern.test(pathname))
    .sort((a, b) => a.parameters - b.parameters)[0]?.template
}

/** One answer, as far as the contract speaks of it. */
export interface Answer {
  readonly method: string
  /** Without the query. */
  readonly pathname: string
  readonly status: number
  readonly headers: Headers
  /** Undefined where it was not read: a stream. */
  readonly bytes?: Buffer
}

/** What is wrong with an answer by the contract; empty where it keeps it. */
export function breaches(answer: Answer): string[] {
  const { method, pathname, status, headers, bytes } = answer
  const found: string[] = []
  const requestId = headers.get('x-request-id')
  if (requestId === null) found.push('has no X-Request-Id')
  const template = templateOf(pathname)
  const operation: Operation | undefined =
    template === undefined
      ? undefined
      : contract.paths[template]![method === 'HEAD' ? 'get' : method.toLowerCase()]
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (operation === undefined) {
    // Not in the contract: only a refusal will do.
    if (status !== 404 && status !== 405) found.push(`answers ${status} to what the contract does not have`)
    if (status === 405 && headers.get('allow') === null) found.push('is a 405 without Allow')
    return [...found, ...problemBreaches(answer, type)]
  }
  const response = operation.responses[String(status)]
  if (response === undefined)
    return [...found, `answers ${status}, which ${operation.operationId} does not document`]
  if (bytes !== undefined && response.content === undefined && bytes.length > 0) found.push('has a body')
  if (response.content === undefined) return found
  const documented = Object.keys(response.content)
  const range = documented.find((t) => t === type) ?? documented.find((t) => t === '*/*')
  if (range === undefined)
    return [...found, `has Content-Type ${type}, documented are ${documented.join(', ')}`]
  if (type === 'application/problem+json') return [...found, ...problemBreaches(answer, type)]
  if (bytes === undefined || method === 'HEAD' || type === undefined) return found
  const schema = [
    'paths',
    template!,
    method.toLowerCase(),
    'responses',
    String(status),
    'content',
    range,
    'schema',
  ]
  const values = valuesOf(type, bytes)
  return [...found, ...values.flatMap((value) => errorsOf(validator(schema), value))]
}

/** What a schema is about: the JSON document, or each line of NDJSON; nothing where the body is neither. */
function valuesOf(type: string, bytes: Buffer): unknown[] {
  const text = bytes.toString('utf8')
  if (type === 'application/json' || type.endsWith('+json')) return [JSON.parse(text)]
  if (type === 'application/x-ndjson') {
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown)
  }
  return []
}

function problemBreaches({ method, status, headers, bytes }: Answer, type: string | undefined): string[] {
  if (type !== 'application/problem+json') return [`has Content-Type ${type} and is an error`]
  if (bytes === undefined || method === 'HEAD') return []
  const problem = JSON.parse(bytes.toString('utf8')) as Record<string, unknown>
  const found = errorsOf(validator(['components', 'schemas', 'Problem']), problem)
  if (problem.status !== status) found.push(`says status ${String(problem.status)} and is a ${status}`)
  if (problem.instance !== headers.get('x-request-id')) found.push('has an instance that is not X-Request-Id')
  if (problem.retryable === true && headers.get('retry-after') === null)
    found.push('is retryable without Retry-After')
  return found
}

const validators = new Map<string, ValidateFunction>()

function validator(path: readonly string[]): ValidateFunction {
  const pointer = path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  let validate = validators.get(pointer)
  if (validate === undefined) {
    validate = ajv.compile({ $ref: `contract#${encodeURI(pointer)}` })
    validators.set(pointer, validate)
  }
  return validate
}

function errorsOf(validate: ValidateFunction, value: unknown): string[] {
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    (error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`,
  )
}
