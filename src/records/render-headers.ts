import { type FetchedRecord, type HeaderView, readHeaders } from './fetched-record.ts'
import type { ByteWriter } from './byte-writer.ts'
import { isText, writeBase64, writeJsonString } from './json-string.ts'

/** Up to this many names are compared with each other; more go through a set, which no number of headers can slow down. */
const FEW = 8

/**
 * Writes a record's headers as JSON: an object {name: text} where names are unique and everything is UTF-8, else a list
 * [{name, value, encoding?}] in which nothing is lost: order, repeated names, null values, and bytes as base64 with
 * encoding "base64". A name that isn't UTF-8 is base64 too, with nameEncoding "base64".
 */
export function writeHeaders(out: ByteWriter, record: FetchedRecord): void {
  const headers = readHeaders(record)
  if (fitsObject(record.bytes, headers)) writeObject(out, record.bytes, headers)
  else writeList(out, record.bytes, headers)
}

function fitsObject(bytes: Buffer, headers: readonly HeaderView[]): boolean {
  for (const { nameStart, nameEnd, valueStart, valueEnd } of headers) {
    if (valueStart < 0 || !isText(bytes, nameStart, nameEnd) || !isText(bytes, valueStart, valueEnd))
      return false
  }
  return headers.length > FEW ? areUniqueBySet(bytes, headers) : areUnique(bytes, headers)
}

function areUnique(bytes: Buffer, headers: readonly HeaderView[]): boolean {
  for (let i = 1; i < headers.length; i++) {
    const a = headers[i]!
    for (let j = 0; j < i; j++) {
      const b = headers[j]!
      if (a.nameEnd - a.nameStart !== b.nameEnd - b.nameStart) continue
      if (bytes.compare(bytes, a.nameStart, a.nameEnd, b.nameStart, b.nameEnd) === 0) return false
    }
  }
  return true
}

function areUniqueBySet(bytes: Buffer, headers: readonly HeaderView[]): boolean {
  const names = headers.map(({ nameStart, nameEnd }) => bytes.toString('latin1', nameStart, nameEnd))
  return new Set(names).size === names.length
}

function writeObject(out: ByteWriter, bytes: Buffer, headers: readonly HeaderView[]): void {
  let separator = 0x7b // {
  for (const { nameStart, nameEnd, valueStart, valueEnd } of headers) {
    out.byte(separator)
    writeJsonString(out, bytes, nameStart, nameEnd)
    out.byte(0x3a) // :
    writeJsonString(out, bytes, valueStart, valueEnd)
    separator = 0x2c // ,
  }
  out.byte(0x7d) // }
}

function writeList(out: ByteWriter, bytes: Buffer, headers: readonly HeaderView[]): void {
  let separator = '[{"name":'
  for (const { nameStart, nameEnd, valueStart, valueEnd } of headers) {
    out.ascii(separator)
    if (!writeJsonString(out, bytes, nameStart, nameEnd)) {
      writeBase64(out, bytes, nameStart, nameEnd)
      out.ascii(',"nameEncoding":"base64"')
    }
    out.ascii(',"value":')
    if (valueStart < 0) out.ascii('null')
    else if (!writeJsonString(out, bytes, valueStart, valueEnd)) {
      writeBase64(out, bytes, valueStart, valueEnd)
      out.ascii(',"encoding":"base64"')
    }
    separator = '},{"name":'
  }
  out.ascii('}]')
}
