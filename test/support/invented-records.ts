import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'

/** A key or value: its bytes in Kafka, and one of the ways JSON can spell them. */
export interface Content {
  readonly kind: 'json' | 'text' | 'bytes' | 'null'
  readonly bytes: Buffer | null
  /** The member's JSON text; base64 where `kind` is bytes. */
  readonly json: string
}

export interface Invented {
  /** Undefined where the member is left out. */
  readonly key: Content | undefined
  readonly value: Content
  /** A name is text, or bytes that are none. */
  readonly headers: readonly (readonly [name: string | Buffer, value: Content])[]
  readonly headersAs: 'object' | 'list'
  readonly timestamp: number | undefined
  readonly partition: number | undefined
  /** What stands about the members. */
  readonly space: string
}

export const PARTITIONS = 3
/** Once, so that a seed makes the same records again within minutes. */
const now = Date.now()

const space = fc.constantFrom('', '', ' ', '\n', '\t \r\n')
/** Any text that UTF-8 can carry. */
const text = fc.oneof(
  fc.constantFrom('', '\0', 'null', '1.0', '{"a":1}', '"', '\\', '/', '\u2028', 'é💥', '\ufeff{}'),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

function escaped(value: string): string {
  const units = Array.from({ length: value.length }, (_, i) => value.charCodeAt(i))
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`
}

/** A JSON string, spelled in one of several ways. */
const literal = fc
  .tuple(text, fc.constantFrom('plain', 'escaped', 'slashes'))
  .map(([value, spelling]) => ({ value, json: spell(value, spelling) }))

function spell(value: string, spelling: string): string {
  if (spelling === 'escaped') return escaped(value)
  const plain = JSON.stringify(value)
  return spelling === 'slashes' ? plain.replaceAll('/', '\\/') : plain
}

const scalar = fc.oneof(
  fc.constantFrom('1e400', '12345678901234567890', '-0', '1.0', '0.10', '1E-07', '-9007199254740993'),
  fc.constantFrom('true', 'false'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
)
const name = fc.oneof(
  fc.constantFrom('"a"', '"b"', '"__proto__"', '"1"'),
  literal.map(({ json }) => json),
)

const { container } = fc.letrec<{ any: string; container: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalar,
    fc.constantFrom('null', '"\\ud800"'),
    literal.map(({ json }) => json),
    tie('container'),
  ),
  container: fc.oneof(
    fc
      .tuple(fc.array(tie('any'), { maxLength: 3 }), space)
      .map(([items, about]) => `[${about}${items.join(`${about},`)}${about}]`),
    // Members repeat, and their order is no alphabet's.
    fc.tuple(fc.array(fc.tuple(name, tie('any')), { maxLength: 4 }), space).map(([members, about]) => {
      const pairs = members.map(([key, value]) => `${about}${key}${about}:${about}${value}`)
      return `{${pairs.join(',')}${about}}`
    }),
  ),
}))

const nothing: Content = { kind: 'null', bytes: null, json: 'null' }
const ofText = literal.map(({ value, json }): Content => ({ kind: 'text', bytes: Buffer.from(value), json }))
const ofBytes = fc.uint8Array({ maxLength: 24 }).map((array): Content => asBase64(Buffer.from(array)))
const ofJson = fc
  .oneof(scalar, container)
  .map((json): Content => ({ kind: 'json', bytes: Buffer.from(json), json }))
const content = fc.oneof(fc.constant(nothing), ofText, ofBytes, ofJson, ofJson)

export function asBase64(bytes: Buffer): Content {
  return { kind: 'bytes', bytes, json: JSON.stringify(bytes.toString('base64')) }
}

/** kafkajs takes names that every object has for given already; no control characters are allowed in any. */
const headerName = fc
  .oneof(fc.constantFrom('', 'a', 'b', 'ce_id', 'content-type', '2', '1'), text)
  .filter((each) => !(each in Object.prototype) && !/[\0-\x1f\x7f]/.test(each))
/** Bytes that are no UTF-8, which the list form alone can name. */
const binaryName = fc
  .uint8Array({ min: 0x80, minLength: 1, maxLength: 4 })
  .map((array) => Buffer.from(array))
  .filter((bytes) => !isUtf8(bytes))
const header = fc.tuple(
  fc.oneof({ weight: 4, arbitrary: headerName }, { weight: 1, arbitrary: binaryName }),
  fc.oneof(fc.constant(nothing), ofText, ofBytes),
)

export const inventedRecord: fc.Arbitrary<Invented> = fc.record({
  key: fc.option(content, { nil: undefined }),
  value: content,
  headers: fc.array(header, { maxLength: 4 }),
  headersAs: fc.constantFrom('object', 'list'),
  timestamp: fc.oneof(
    fc.constant(undefined),
    fc.integer({ min: 0, max: now }),
    fc.nat({ max: 600_000 }).map((ago) => now - ago),
  ),
  partition: fc.option(fc.nat({ max: PARTITIONS - 1 }), { nil: undefined }),
  space,
})

/** The record as the JSON that the gateway takes. */
export function recordJson(record: Invented): string {
  const { key, value, headers, timestamp, partition } = record
  const members = [
    ...(key === undefined ? [] : [`"key":${key.json}`]),
    ...(key?.kind === 'bytes' ? ['"keyEncoding":"base64"'] : []),
    ...(headers.length === 0 ? [] : [`"headers":${headersJson(record)}`]),
    `"value":${value.json}`,
    ...(value.kind === 'bytes' ? ['"valueEncoding":"base64"'] : []),
    ...(timestamp === undefined ? [] : [`"timestamp":${timestamp}`]),
    ...(partition === undefined ? [] : [`"partition":${partition}`]),
  ]
  return `{${record.space}${members.join(`${record.space},`)}${record.space}}`
}

function headersJson({ headers, headersAs }: Invented): string {
  const unique = new Set(headers.map(([name]) => name)).size === headers.length
  const texts = headers.every(([name, { kind }]) => kind !== 'bytes' && typeof name === 'string')
  if (headersAs === 'object' && unique && texts)
    return `{${headers.map(([name, { json }]) => `${JSON.stringify(name)}:${json}`).join(',')}}`
  return `[${headers
    .map(([name, { json, kind }]) => {
      const encoding = kind === 'bytes' ? ',"encoding":"base64"' : ''
      const named = typeof name === 'string' ? name : name.toString('base64')
      const nameEncoding = typeof name === 'string' ? '' : ',"nameEncoding":"base64"'
      return `{"name":${JSON.stringify(named)}${nameEncoding},"value":${json}${encoding}}`
    })
    .join(',')}]`
}
