import { Problem } from '../problems/problem.ts'

interface Range {
  readonly type: string
  readonly subtype: string
  readonly q: number
}

/**
 * Which of the media types an operation can answer in the caller likes best, by its Accept header (RFC 9110, section
 * 12.5.1); among equals the first. Undefined where it takes none of them. Parameters other than q are not looked at.
 */
export function negotiate<T extends string>(accept: string | undefined, types: readonly T[]): T | undefined {
  if (accept === undefined || accept === '*/*' || accept === types[0] || accept.trim() === '') return types[0]
  const ranges = accept.split(',').flatMap(parseRange)
  let best: { type: T; q: number } | undefined
  for (const type of types) {
    const q = qualityOf(type, ranges)
    if (q > (best?.q ?? 0)) best = { type, q }
  }
  return best?.type
}

/** @throws Problem not_acceptable where the caller takes none of the types */
export function checkAccept(accept: string | undefined, types: readonly string[]): void {
  if (accept === undefined || types.length === 0 || negotiate(accept, types) !== undefined) return
  throw new Problem('not_acceptable', { detail: `This operation answers in ${types.join(' or ')}.` })
}

/** The quality of the most specific range that fits, 0 where none does. */
function qualityOf(mediaType: string, ranges: readonly Range[]): number {
  const [type, subtype] = mediaType.split('/') as [string, string]
  let specificity = -1
  let q = 0
  for (const range of ranges) {
    const level =
      range.type === type && range.subtype === subtype
        ? 2
        : range.type === type && range.subtype === '*'
          ? 1
          : range.type === '*' && range.subtype === '*'
            ? 0
            : -1
    if (level > specificity) [specificity, q] = [level, range.q]
  }
  return q
}

/** One range, or none where it is not written as one. */
function parseRange(text: string): Range[] {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const [, type, subtype] = /^([\w!#$&^.+*-]+)\/([\w!#$&^.+*-]+)$/.exec(range) ?? []
  if (type === undefined || subtype === undefined) return []
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  const q = weight === undefined ? 1 : Number(weight.slice(2))
  return [{ type, subtype, q: q >= 0 && q <= 1 ? q : 0 }]
}
