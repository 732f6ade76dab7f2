import type { IncomingMessage } from 'node:http'
import { Problem } from '../../problems/problem.ts'
import { keyAt, pointerTokens } from '../../records/json-pointer.ts'
import { bytesOf } from './kafka-headers.ts'

/** Where the key of a raw body's record is to be found; at most one of them. */
interface KeySource {
  readonly key?: string | undefined
  readonly keyHeader?: string | undefined
  readonly keyPointer?: string | undefined
}

/**
 * How to get at a record's key once its body is there.
 * @throws Problem invalid_parameter where more than one source is named, or the header is missing or there twice
 */
export function keyReader(source: KeySource, incoming: IncomingMessage): (body: Buffer) => Buffer | null {
  const { key, keyHeader, keyPointer } = source
  const named = Object.entries({ key, keyHeader, keyPointer }).filter(([, value]) => value !== undefined)
  if (named.length > 1) {
    const names = named.map(([name]) => name)
    throw new Problem('invalid_parameter', {
      detail: `${names.join(' and ')} each name the key: keep one.`,
      errors: names.map((parameter) => ({ parameter, reason: 'the key is named more than once' })),
    })
  }
  if (keyPointer !== undefined) {
    const tokens = pointerTokens(keyPointer)!
    return (body) => keyAt(body, tokens, keyPointer)
  }
  const bytes =
    keyHeader !== undefined ? headerKey(keyHeader, incoming) : key === undefined ? null : Buffer.from(key)
  return () => bytes
}

/** An empty header is an empty key; one that is not there is no reason to write a record without a key. */
function headerKey(name: string, { headersDistinct }: IncomingMessage): Buffer {
  const values = headersDistinct[name.toLowerCase()] ?? []
  if (values.length === 1) return bytesOf(values[0]!)
  const reason = values.length === 0 ? `the request has no ${name}` : `the request has more than one ${name}`
  throw new Problem('invalid_parameter', {
    detail: `keyHeader: ${reason}.`,
    errors: [{ parameter: 'keyHeader', reason }],
  })
}
