import type { IncomingMessage } from 'node:http'
import { isUtf8 } from 'node:buffer'
import type { Limits } from '../config/config.ts'
import { Problem } from '../problems/problem.ts'
import type { AppContext, Bindings } from './route.ts'

/** The media type of a body and its parameters, lower-cased: `application/json; charset=UTF-8`. */
export interface MediaType {
  readonly type: string
  readonly charset: string | undefined
}

export function parseMediaType(header: string | undefined): MediaType | undefined {
  if (header === undefined) return undefined
  const [type = '', ...parameters] = header.split(';')
  if (!/^\s*[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*$/.test(type)) throw new Problem('unsupported_media_type')
  const charset = parameters
    .map((p) => /^\s*charset\s*=\s*"?([^"\s]+)"?\s*$/i.exec(p)?.[1])
    .find((p) => p !== undefined)
  return { type: type.trim().toLowerCase(), charset: charset?.toLowerCase() }
}

/** @throws Problem unsupported_content_encoding where the body is compressed */
export function refuseEncoding({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']
  const transfer = headers['transfer-encoding']
  const isPlain = encoding === undefined || encoding.toLowerCase() === 'identity'
  // Node undoes `chunked` alone: what else is named there is still in the bytes (RFC 9112, section 6.1).
  const isWhole = transfer === undefined || transfer.toLowerCase() === 'chunked'
  if (!isPlain || !isWhole) throw new Problem('unsupported_content_encoding')
}

/**
 * Reads a request's body as it comes from the socket, counting: Content-Length may lie or be missing.
 * `reserve` is told of the bytes before they are read (all at once where Content-Length says how many) and may throw.
 * They count for the rate of whoever sends them.
 * @throws Problem body_too_large, unsupported_content_encoding, or bad_request where the client went away halfway
 */
export async function readBody(
  { incoming, outgoing: { allowance } }: Bindings,
  maxBytes: number,
  reserve: (bytes: number) => void = () => {},
): Promise<Buffer> {
  refuseEncoding(incoming)
  const tooLarge = () =>
    new Problem('body_too_large', {
      detail: `The body may hold at most ${maxBytes} bytes.`,
      extra: { limit: maxBytes },
      outcome: 'not_written',
      headers: { connection: 'close' },
    })
  const declared = incoming.headers['content-length']
  if (declared !== undefined) {
    if (Number(declared) > maxBytes) throw tooLarge()
    reserve(Number(declared))
    allowance?.takeBytes(Number(declared))
  }
  return new Promise((resolve, reject) => {
    let size = 0
    let first: Buffer | undefined
    let rest: Buffer[] | undefined
    const fail = (problem: unknown) => {
      incoming.removeListener('data', onData)
      incoming.pause()
      reject(problem)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) return fail(tooLarge())
      if (declared === undefined) {
        try {
          reserve(chunk.length)
          allowance?.takeBytes(chunk.length)
        } catch (problem) {
          return fail(problem)
        }
      }
      if (first === undefined) first = chunk
      else (rest ??= [first]).push(chunk)
    }
    incoming.on('data', onData)
    incoming.once('end', () => resolve(rest ? Buffer.concat(rest, size) : (first ?? Buffer.alloc(0))))
    incoming.once('error', () => fail(new Problem('bad_request', { detail: 'The body ended early.' })))
    incoming.once('close', () => {
      if (!incoming.complete) fail(new Problem('bad_request', { detail: 'The body ended early.' }))
    })
  })
}

/**
 * A JSON body, parsed. Its shape is for the caller to check.
 * @throws Problem unsupported_media_type, malformed_json, and as readBody
 */
export async function readJson(c: AppContext, limits: Limits): Promise<unknown> {
  checkJsonType(parseMediaType(c.req.header('content-type')))
  const bytes = await readBody(c.env, limits.maxBodyBytes)
  if (!isUtf8(bytes)) throw new Problem('malformed_json', { detail: 'The body is not valid UTF-8.' })
  return parseJson(bytes.toString('utf8'))
}

/**
 * JSON for a schema to check. Half a surrogate pair has no UTF-8, so it would reach Kafka as another text; `__proto__`
 * is what schema libraries leave out without a word. Neither is in a member of this API.
 */
export function parseJson(text: string): unknown {
  try {
    const suspect = /\\u|__proto__/.test(text)
    return JSON.parse(text, suspect ? refuseTraps : undefined)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw new Problem('malformed_json', { detail: 'The body is not one complete JSON document.' })
  }
}

function refuseTraps(key: string, value: unknown): unknown {
  if (!key.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) {
    throw new Problem('malformed_json', { detail: 'A string holds half of a surrogate pair.' })
  }
  if (key === '__proto__') throw new Problem('invalid_request', { detail: '__proto__: no such member.' })
  return value
}

/** @throws Problem unsupported_media_type unless it is JSON in UTF-8 */
export function checkJsonType(media: MediaType | undefined): void {
  const utf8 = media?.charset === undefined || media.charset === 'utf-8' || media.charset === 'utf8'
  if (media?.type === 'application/json' && utf8) return
  throw new Problem('unsupported_media_type', {
    detail: 'Send application/json in UTF-8.',
    headers: { 'accept-post': 'application/json' },
  })
}
