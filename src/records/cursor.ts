import { crc32 } from 'node:zlib'
import { Problem } from '../problems/problem.ts'
import { CursorBytes } from './cursor-bytes.ts'
import { type CursorTopic, CursorText } from './cursor-text.ts'

/** Where reading goes on in one topic. */
export interface TopicPosition {
  readonly topic: string
  readonly topicId: string
  /** The next offset, by partition. */
  readonly offsets: ReadonlyMap<number, number>
  /**
   * True (the default) where the offsets are of all partitions the topic had: a reader that resumes then takes those
   * added since from their start. False for a chosen few.
   */
  readonly whole?: boolean
}

/** As decoded: the name has become its CRC-32, enough to tell a topic made again under its name from another topic. */
export interface DecodedPosition extends CursorTopic {
  readonly offsets: Map<number, number>
}

const VERSION = 1
/** Some 3,000 partitions. A cursor has to fit into a URL or a header, of which Node takes 16 KiB together. */
export const MAX_CHARS = 12_288

/**
 * A position in one or more topics as opaque text, valid at every replica: all it says is in it.
 *
 *     version 1 | for each topic, by id: CRC-32 of its name, 4 bytes | id, 16 bytes
 *               | number of partitions * 2, + 1 where it is not the whole topic | its least offset
 *               | for each partition: its number less the one before less 1 (not for a whole topic), its offset less the least
 *
 * Numbers are unsigned varints; the text is base64url.
 * @throws Problem invalid_parameter for one too long to send back
 */
export function encodeCursors(topics: readonly TopicPosition[]): string {
  const text = cursorText(topics)
  checkLength(text)
  return text.toString()
}

/** The same for a stream, whose offsets move on: check its length before it is shown. */
export function cursorText(topics: readonly TopicPosition[]): CursorText {
  return new CursorText(
    topics.map(({ topic, topicId, offsets, whole = true }) => ({
      nameHash: crc32(topic),
      topicId,
      offsets,
      whole,
    })),
  )
}

/** @throws Problem invalid_parameter for one too long to send back */
export function checkLength({ length }: CursorText): void {
  if (length <= MAX_CHARS) return
  throw new Problem('invalid_parameter', {
    detail: 'So many partitions do not fit into one cursor; read fewer of them.',
  })
}

/**
 * Reads a cursor strictly: only text that encodeCursors can have written, so two texts never mean the same.
 * @throws Problem invalid_cursor
 */
export function decodeCursor(text: string): DecodedPosition[] {
  if (text.length > MAX_CHARS) throw invalid()
  const positions: DecodedPosition[] = []
  try {
    const bytes = new CursorBytes(Buffer.from(text, 'base64url'))
    if (bytes.readByte() !== VERSION) throw invalid()
    do positions.push(decodeTopic(bytes))
    while (bytes.left > 0)
  } catch (error) {
    if (error instanceof RangeError) throw invalid()
    throw error
  }
  // One comparison in place of a rule for every way in which a text may be written oddly.
  if (
    new CursorText(positions).toString() !== text ||
    new Set(positions.map((p) => p.topicId)).size < positions.length
  )
    throw invalid()
  return positions
}

/** @throws RangeError where the bytes end early or a number is too large */
function decodeTopic(bytes: CursorBytes): DecodedPosition {
  const nameHash = bytes.readUint32()
  const topicId = bytes.readUuid()
  const head = bytes.readVarint()
  const count = Math.floor(head / 2)
  if (count === 0 || count > bytes.left) throw new RangeError('no such number of partitions')
  const whole = head % 2 === 0
  const least = bytes.readVarint()
  const offsets = new Map<number, number>()
  let partition = -1
  for (let n = 0; n < count; n++) {
    partition += 1 + (whole ? 0 : bytes.readVarint())
    const offset = least + bytes.readVarint()
    if (partition > 0x7fffffff || !Number.isSafeInteger(offset)) throw new RangeError('a number too large')
    offsets.set(partition, offset)
  }
  return { nameHash, topicId, offsets, whole }
}

/** Whether a decoded position is of the topic of this name, maybe of an earlier topic of this name. */
export function isOfName(position: DecodedPosition, topic: string): boolean {
  return position.nameHash === crc32(topic)
}

function invalid(): Problem {
  return new Problem('invalid_cursor')
}
