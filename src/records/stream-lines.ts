import type { FetchedRecord } from './fetched-record.ts'
import type { ByteWriter } from './byte-writer.ts'
import type { CursorText } from './cursor-text.ts'
import { type RecordFormat, type RecordPrefix, renderRecord } from './render-record.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20

const cursorMember = Buffer.from(',"cursor":"')
const endOfLine = Buffer.from('"}\n')
const id = Buffer.from('id: ')
const data = Buffer.from('\ndata: ')
const endOfBlock = Buffer.from('\n\n')

/** Writes a record as one line of NDJSON, with the cursor after it as its last member. */
export function writeRecordLine(
  out: ByteWriter,
  prefix: RecordPrefix,
  record: FetchedRecord,
  format: RecordFormat,
  cursor: CursorText,
): void {
  writeFlat(out, prefix, record, format)
  // In place of the brace that ends the record.
  out.truncate(out.length - 1)
  out.copy(cursorMember)
  cursor.writeTo(out)
  out.copy(endOfLine)
}

/** Writes a record as a server-sent event whose id is the cursor after it. */
export function writeRecordEvent(
  out: ByteWriter,
  prefix: RecordPrefix,
  record: FetchedRecord,
  format: RecordFormat,
  cursor: CursorText,
): void {
  out.copy(id)
  cursor.writeTo(out)
  out.copy(data)
  writeFlat(out, prefix, record, format)
  out.copy(endOfBlock)
}

/** Writes a server-sent event that is no record; `text` is JSON of one line. */
export function writeNotice(out: ByteWriter, name: string, text: string, cursor?: CursorText): void {
  out.ascii(`event: ${name}\n`)
  if (cursor !== undefined) {
    out.copy(id)
    cursor.writeTo(out)
    out.byte(LINE_FEED)
  }
  out.copy(Buffer.from(`data: ${text}\n\n`))
}

/** Writes a block that gives a client of server-sent events nothing but where to go on. */
export function writePosition(out: ByteWriter, cursor: CursorText): void {
  out.copy(id)
  cursor.writeTo(out)
  out.copy(endOfBlock)
}

/**
 * Writes a record's JSON in one line. Values that are JSON are copied as they stand, and may have line ends between their
 * tokens, nowhere else: as spaces they mean the same.
 */
function writeFlat(out: ByteWriter, prefix: RecordPrefix, record: FetchedRecord, format: RecordFormat): void {
  const start = out.length
  renderRecord(out, prefix, record, format)
  const written = out.bytes.subarray(start, out.length)
  replace(written, LINE_FEED)
  replace(written, CARRIAGE_RETURN)
}

function replace(bytes: Buffer, byte: number): void {
  for (let at = bytes.indexOf(byte); at >= 0; at = bytes.indexOf(byte, at + 1)) bytes[at] = SPACE
}
