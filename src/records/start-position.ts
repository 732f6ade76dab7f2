/** Where reading starts, as `from` says it. */
export type StartPosition =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  /** The last so many records of each partition. */
  | { readonly kind: 'last'; readonly count: number }
  | { readonly kind: 'offset'; readonly offset: number }
  /** The first record of this time or later, milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly timestamp: number }

/** What to tell who sent something else. */
export const START_POSITION_FORMS =
  'expected earliest, latest, -N, an offset, an ISO 8601 time with its zone, or @ and epoch milliseconds'

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/i

/** Reads the text of `from`; undefined where it is none of its forms. Digits alone are an offset. */
export function parseStartPosition(text: string): StartPosition | undefined {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  if (/^-[1-9]\d{0,14}$/.test(text)) return { kind: 'last', count: Number(text.slice(1)) }
  if (/^\d{1,16}$/.test(text)) {
    const offset = Number(text)
    return Number.isSafeInteger(offset) ? { kind: 'offset', offset } : undefined
  }
  if (/^@\d{1,15}$/.test(text)) return { kind: 'time', timestamp: Number(text.slice(1)) }
  if (!isoTime.test(text)) return undefined
  const timestamp = Date.parse(text)
  return Number.isNaN(timestamp) ? undefined : { kind: 'time', timestamp }
}

/** Where reading ends: before an offset, which `latest` stands for too, or before the first record of a time or later. */
export type EndPosition = Extract<StartPosition, { kind: 'latest' | 'offset' | 'time' }>

/** What to tell who sent something else. */
export const END_POSITION_FORMS =
  'expected latest, an offset, an ISO 8601 time with its zone, or @ and epoch milliseconds'

/** Reads the text of `until`; undefined where it is none of its forms. */
export function parseEndPosition(text: string): EndPosition | undefined {
  const position = parseStartPosition(text)
  return position === undefined || position.kind === 'earliest' || position.kind === 'last'
    ? undefined
    : position
}
