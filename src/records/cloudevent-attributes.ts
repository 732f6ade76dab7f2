/** The attributes every event of CloudEvents 1.0 has, in the order they are written. */
export const requiredAttributes = ['specversion', 'id', 'source', 'type'] as const

/** What no attribute's text may hold (CloudEvents, "Type System"): control characters, halves of surrogate pairs, noncharacters. */
const forbidden = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u
const attributeName = /^[a-z0-9]+$/
const mediaType = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(?:;.*)?$/
/** The characters of a URI and its percent-encoding (RFC 3986, section 2), one fragment at most. */
const uriText =
  /^(?:[\w\-.~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*(?:#(?:[\w\-.~:/?@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*)?$/
const scheme = /^[A-Za-z][A-Za-z0-9+.-]*$/
/** RFC 3339, section 5.6. A leap second is a time, too. */
const rfc3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** What is wrong with an attribute's name; undefined where nothing is. */
export function nameFault(name: string): string | undefined {
  if (!attributeName.test(name)) return 'an attribute name is of the characters a-z and 0-9'
  return name === 'data' ? 'reserved: no attribute has this name' : undefined
}

/** What is wrong with the text of an attribute, in its canonical form; undefined where nothing is. */
export function valueFault(name: string, text: string): string | undefined {
  if (forbidden.test(text)) return 'holds a control character, a noncharacter or half a surrogate pair'
  switch (name) {
    case 'specversion':
      return text === '1.0' ? undefined : 'expected "1.0"'
    case 'id':
    case 'type':
    case 'subject':
    case 'partitionkey':
      return text === '' ? 'must not be empty' : undefined
    case 'source':
      return text !== '' && isUriReference(text) ? undefined : 'expected a URI reference (RFC 3986)'
    case 'dataschema':
      return schemeOf(text) !== undefined && isUriReference(text)
        ? undefined
        : 'expected a URI with a scheme (RFC 3986)'
    case 'datacontenttype':
      return mediaType.test(text) ? undefined : 'expected a media type (RFC 2046)'
    case 'time':
      return isTime(text) ? undefined : 'expected a time of RFC 3339, such as 2026-01-31T09:30:00Z'
    default:
      return undefined
  }
}

/** Whether the value of this attribute can only be text, so neither a number nor a boolean in JSON. */
export function isTextAttribute(name: string): boolean {
  return textAttributes.has(name)
}

const textAttributes = new Set([
  ...requiredAttributes,
  'datacontenttype',
  'dataschema',
  'subject',
  'time',
  'partitionkey',
])

/** What is before the first colon, where that may be a scheme: not behind a slash, a question mark or a hash. */
function schemeOf(text: string): string | undefined {
  return /^([^:/?#]*):/.exec(text)?.[1]
}

function isUriReference(text: string): boolean {
  const before = schemeOf(text)
  return uriText.test(text) && (before === undefined || scheme.test(before))
}

function isTime(text: string): boolean {
  const [, year, month, day] = rfc3339.exec(text) ?? []
  if (day === undefined) return false
  return Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
}

/** How `data` of a datacontenttype is written in the JSON event format. */
export type DataKind = 'json' | 'text' | 'bytes'

const jsonType = /^[^/]+\/(?:[^;]+\+)?json$/
const textType =
  /^(?:text\/.+|.+\/(?:.+\+)?(?:xml|yaml)|application\/(?:x-yaml|x-ndjson|x-www-form-urlencoded|javascript|sql|graphql))$/

/**
 * JSON by the rule of the JSON event format, section 3.1.1: a subtype `json` or ending in `+json`, or none given. Text is
 * what says a charset or is known to be text; everything else is bytes, so that a type always looks the same.
 */
export function dataKind(contentType: string): DataKind {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
  if (jsonType.test(type)) return 'json'
  if (textType.test(type) || charsetOf(contentType) !== undefined)
    return isUtf8Type(contentType) ? 'text' : 'bytes'
  return 'bytes'
}

/** Whether text of this type is UTF-8, as far as it says. */
export function isUtf8Type(contentType: string): boolean {
  return ['utf-8', 'utf8', 'us-ascii', undefined].includes(charsetOf(contentType))
}

function charsetOf(contentType: string): string | undefined {
  return /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1]?.toLowerCase()
}
