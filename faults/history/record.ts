import { createHash } from 'node:crypto'

/** A record as it is in the log. Headers of one name keep their order; that of names is not looked at. */
export interface Content {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [name: string, value: Buffer])[]
  /** Epoch ms. */
  readonly timestamp: number
}

/** As JSON has it, in requests and in answers. */
export interface RecordJson {
  readonly key: unknown
  readonly keyEncoding?: 'base64'
  readonly value: unknown
  readonly valueEncoding?: 'base64'
  readonly headers:
    | readonly { readonly name: string; readonly value: string; readonly encoding?: 'base64' }[]
    | Readonly<Record<string, string>>
  readonly timestamp: number
}

/** The header that holds a record's id. */
export const ID = 'id'
/** The value of a record of no client, which stands behind everything that clients wrote. */
export const MARK = 'the end of the run'

/** Ids of one client of a run, counted; the time is in them. */
export function newId(client: string, n: number): string {
  return `${client}-${n}-${Date.now().toString(36)}`
}

/**
 * What a record of this id holds: nothing but the id decides. Keys and values are null, empty, text, JSON and bytes that
 * are none of these, by turns; some records have a header twice, or one of bytes.
 */
export function contentOf(id: string): Content {
  const hash = createHash('sha1').update(id).digest()
  const client = id.slice(0, id.indexOf('-'))
  const bytes = Buffer.concat([Buffer.from([0xff, 0x00]), hash])
  const keys = [null, Buffer.alloc(0), bytes, ...Array<Buffer>(5).fill(Buffer.from(client))]
  const json = Buffer.from(JSON.stringify({ id, n: hash[3], ключ: ['ё', null, ''] }))
  const padded = Buffer.from(`${id} ${'.'.repeat(hash[4]!)}`)
  const values = [null, Buffer.alloc(0), bytes, json, padded, padded, padded, padded]
  const headers: [string, Buffer][] = [[ID, Buffer.from(id)]]
  if (hash[2]! % 4 === 0) headers.push(['twice', Buffer.from('1')], ['twice', Buffer.from('')])
  if (hash[2]! % 4 === 1) headers.push(['bytes', bytes])
  const timestamp = Number.parseInt(id.slice(id.lastIndexOf('-') + 1), 36)
  return { key: keys[hash[0]! % 8]!, value: values[hash[1]! % 8]!, headers, timestamp }
}

/** A digest of all that is in a record; two that differ anywhere differ. */
export function digestOf({ key, value, headers, timestamp }: Content): string {
  const hash = createHash('sha1')
  const take = (bytes: Buffer | null) => {
    hash.update(bytes === null ? 'null;' : `${bytes.length};`)
    if (bytes !== null) hash.update(bytes)
  }
  take(key)
  take(value)
  // By name alone, and a sort keeps the order of equals.
  for (const [name, bytes] of headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    take(Buffer.from(name))
    take(bytes)
  }
  return hash.update(String(timestamp)).digest('base64').slice(0, 10)
}

/** The record of an id as it is sent. */
export function jsonOf(id: string): RecordJson {
  const { key, value, headers, timestamp } = contentOf(id)
  const isJson = value?.[0] === 0x7b
  return {
    ...encoded('key', key),
    ...(isJson ? { value: JSON.parse(value.toString()) as unknown } : encoded('value', value)),
    headers: headers.map(([name, bytes]) => ({ name, ...encoded('', bytes) })),
    timestamp,
  } as unknown as RecordJson
}

/** What is in a record that was received, and its id; its value where it has none. */
export function received(json: RecordJson): { readonly id: string; readonly digest: string } {
  const list = Array.isArray(json.headers)
    ? (json.headers as Exclude<RecordJson['headers'], Readonly<Record<string, string>>>)
    : Object.entries(json.headers).map(([name, value]) => ({ name, value, encoding: undefined }))
  const headers = list.map(({ name, value, encoding }): [string, Buffer] => [name, bytesOf(value, encoding)!])
  const digest = digestOf({
    key: bytesOf(json.key, json.keyEncoding),
    value: bytesOf(json.value, json.valueEncoding),
    headers,
    timestamp: json.timestamp,
  })
  return { id: headers.find(([name]) => name === ID)?.[1].toString() ?? String(json.value), digest }
}

function bytesOf(value: unknown, encoding: 'base64' | undefined): Buffer | null {
  if (value === null) return null
  return typeof value === 'string' ? Buffer.from(value, encoding) : Buffer.from(JSON.stringify(value))
}

function encoded(member: 'key' | 'value' | '', bytes: Buffer | null): object {
  const name = member === '' ? 'value' : member
  if (bytes === null || bytes[0] !== 0xff) return { [name]: bytes === null ? null : bytes.toString() }
  return { [name]: bytes.toString('base64'), [member === '' ? 'encoding' : `${member}Encoding`]: 'base64' }
}
