import type { KafkaMessage } from 'kafkajs'
import { rawElements, rawMembers } from './raw-json.ts'

/** A record as it is compared: bytes as hexadecimal text, null where there are none. */
export interface Plain {
  readonly key: string | null
  readonly value: string | null
  readonly headers: readonly (readonly [name: string, value: string | null])[]
  readonly timestamp: number | undefined
}

export function hex(bytes: Buffer | null | undefined): string | null {
  return bytes?.toString('hex') ?? null
}

/** A record of an answer or frame, by its JSON text and the format it was asked for in. */
export function plainOfJson(text: string, format: string): Plain {
  const members = rawMembers(text)
  const field = (name: 'key' | 'value') => {
    const encoded = members.has(`${name}Encoding`)
    return hex(bytesOf(members.get(name)!, encoded, format === 'json' && name === 'value'))
  }
  const value = format === 'cloudevents' ? hex(dataOf(members.get('value')!)) : field('value')
  const headers = headersOf(members.get('headers')!)
  return { key: field('key'), value, headers, timestamp: Number(members.get('timestamp')) }
}

function bytesOf(raw: string, encoded: boolean, isJson: boolean): Buffer | null {
  if (encoded) return Buffer.from(JSON.parse(raw) as string, 'base64')
  if (raw === 'null') return null
  return !isJson && raw.startsWith('"') ? Buffer.from(JSON.parse(raw) as string) : Buffer.from(raw)
}

/** The data of an event, by the rules of the JSON event format. */
export function dataOf(event: string): Buffer | null {
  const members = rawMembers(event)
  const base64 = members.get('data_base64')
  if (base64 !== undefined) return Buffer.from(JSON.parse(base64) as string, 'base64')
  const data = members.get('data')
  if (data === undefined) return null
  const isJson = /json/.test(members.get('datacontenttype') ?? 'json')
  return Buffer.from(isJson ? data : (JSON.parse(data) as string))
}

function headersOf(raw: string): Plain['headers'] {
  if (raw.startsWith('{')) {
    return [...rawMembers(raw)].map(([name, value]) => [
      hex(Buffer.from(name))!,
      hex(bytesOf(value, false, false)),
    ])
  }
  return rawElements(raw).map((element) => {
    const members = rawMembers(element)
    const name = bytesOf(members.get('name')!, members.has('nameEncoding'), false)
    return [hex(name)!, hex(bytesOf(members.get('value')!, members.has('encoding'), false))]
  })
}

/** A record as kafkajs has it: of the order of headers, it knows that of each name. */
export function plainOfMessage({ key, value, headers, timestamp }: KafkaMessage): Plain {
  const pairs = Object.entries(headers ?? {}).flatMap(([name, values]) =>
    [values ?? null].flat().map((each) => [hex(Buffer.from(name))!, hex(each as Buffer | null)] as const),
  )
  return { key: hex(key), value: hex(value), headers: pairs, timestamp: Number(timestamp) }
}

/** The record as kafkajs can give it back, to which every name is text. */
export function withNamesAsText(record: Plain): Plain {
  const textOf = (name: string) => hex(Buffer.from(Buffer.from(name, 'hex').toString()))!
  return { ...record, headers: record.headers.map(([name, value]) => [textOf(name), value]) }
}

/** The headers in the order of their names. */
export function byName(record: Plain): Plain {
  return { ...record, headers: record.headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)) }
}
