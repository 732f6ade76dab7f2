import type { ByteWriter } from './byte-writer.ts'

/** Where reading goes on in one topic, as a cursor says it. */
export interface CursorTopic {
  /** CRC-32 of the topic's name. */
  readonly nameHash: number
  /** A UUID with or without hyphens. */
  readonly topicId: string
  /** The next offset, by partition. */
  readonly offsets: ReadonlyMap<number, number>
  /** Whether these are all partitions of the topic. */
  readonly whole: boolean
}

interface Layout extends Omit<CursorTopic, 'topicId' | 'offsets'> {
  readonly topicId: Buffer
  /** Partitions in order, and by partition its place among them. */
  readonly partitions: readonly number[]
  readonly places: ReadonlyMap<number, number>
  /** By place: the next offset, and where its varint starts and how long it is. */
  readonly offsets: number[]
  readonly starts: number[]
  readonly sizes: number[]
  least: number
}

const VERSION = 1
/** The longest varint of a number up to 2^53-1, bytes. */
const MAX_VARINT = 8
const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')

/**
 * The text of a cursor, which encodeCursors() describes, as its offsets move on. A stream shows one with every record, so a
 * move rewrites only the few characters that change, nearly always: not where the least offset moves, or a number becomes
 * a byte longer.
 */
export class CursorText {
  readonly #layouts: readonly Layout[]
  /** By topic, in the order given. */
  readonly #topics: readonly Layout[]
  readonly #bytes: Buffer
  readonly #text: Buffer
  /** Of the text, in characters. */
  #length = 0
  #isStale = true

  constructor(topics: readonly CursorTopic[]) {
    this.#topics = topics.map(layOut)
    this.#layouts = this.#topics.toSorted((a, b) => a.topicId.compare(b.topicId))
    const partitions = topics.reduce((sum, { offsets }) => sum + offsets.size, 0)
    const capacity = 3 + topics.length * (20 + 2 * MAX_VARINT) + partitions * 2 * MAX_VARINT
    this.#bytes = Buffer.alloc(capacity)
    this.#text = Buffer.alloc(Math.ceil(capacity / 3) * 4)
  }

  /** Moves the position in a partition of the topic that was given at this index. */
  move(topic: number, partition: number, offset: number): void {
    const layout = this.#topics[topic]
    const place = layout?.places.get(partition)
    if (layout === undefined || place === undefined) return
    const before = layout.offsets[place]!
    layout.offsets[place] = offset
    if (this.#isStale || before === offset) return
    const delta = offset - layout.least
    if (before === layout.least || delta < 0 || sizeOf(delta) !== layout.sizes[place]) {
      this.#isStale = true
      return
    }
    const start = layout.starts[place]!
    const end = writeVarint(this.#bytes, start, delta)
    this.#toText(start, end)
  }

  /** In characters. */
  get length(): number {
    this.#refresh()
    return this.#length
  }

  writeTo(out: ByteWriter): void {
    this.#refresh()
    out.copy(this.#text, 0, this.#length)
  }

  toString(): string {
    this.#refresh()
    return this.#text.toString('latin1', 0, this.#length)
  }

  #refresh(): void {
    if (!this.#isStale) return
    this.#isStale = false
    const bytes = this.#bytes
    bytes[0] = VERSION
    let at = 1
    for (const layout of this.#layouts) at = writeTopic(bytes, at, layout)
    // What a last group of three lacks.
    bytes[at] = bytes[at + 1] = 0
    this.#length = Math.ceil((at * 4) / 3)
    this.#toText(0, at)
  }

  /** Brings the text of these bytes up to date, group by group of three. */
  #toText(start: number, end: number): void {
    const bytes = this.#bytes
    const text = this.#text
    for (let group = Math.floor(start / 3); group * 3 < end; group++) {
      const from = group * 3
      const to = group * 4
      const a = bytes[from]!
      const b = bytes[from + 1]!
      const c = bytes[from + 2]!
      text[to] = alphabet[a >> 2]!
      text[to + 1] = alphabet[((a & 3) << 4) | (b >> 4)]!
      text[to + 2] = alphabet[((b & 15) << 2) | (c >> 6)]!
      text[to + 3] = alphabet[c & 63]!
    }
  }
}

function layOut({ nameHash, topicId, offsets, whole }: CursorTopic): Layout {
  const entries = [...offsets].sort(([a], [b]) => a - b)
  const partitions = entries.map(([partition]) => partition)
  return {
    nameHash,
    topicId: Buffer.from(topicId.replaceAll('-', ''), 'hex'),
    whole,
    partitions,
    places: new Map(partitions.map((partition, place) => [partition, place])),
    offsets: entries.map(([, offset]) => offset),
    starts: new Array<number>(partitions.length).fill(0),
    sizes: new Array<number>(partitions.length).fill(0),
    least: 0,
  }
}

/** Writes a topic, takes note of where its offsets are, and answers where it ends. */
function writeTopic(bytes: Buffer, start: number, layout: Layout): number {
  const { nameHash, topicId, partitions, whole, offsets, starts, sizes } = layout
  let least = Infinity
  for (const offset of offsets) if (offset < least) least = offset
  layout.least = least
  let at = bytes.writeUInt32BE(nameHash, start)
  at += topicId.copy(bytes, at)
  at = writeVarint(bytes, at, partitions.length * 2 + (whole ? 0 : 1))
  at = writeVarint(bytes, at, least)
  let previous = -1
  for (let place = 0; place < partitions.length; place++) {
    const partition = partitions[place]!
    if (!whole) at = writeVarint(bytes, at, partition - previous - 1)
    previous = partition
    starts[place] = at
    at = writeVarint(bytes, at, offsets[place]! - least)
    sizes[place] = at - starts[place]!
  }
  return at
}

/** From 0 to 2^53-1; answers where it ends. */
function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80
  for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80
  bytes[at++] = rest
  return at
}

function sizeOf(value: number): number {
  let size = 1
  for (let limit = 0x80; value >= limit && size < MAX_VARINT; limit *= 0x80) size++
  return size
}
