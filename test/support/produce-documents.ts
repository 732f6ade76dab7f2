import fc from 'fast-check'
import type { OutgoingRecord } from '../../src/records/record.ts'

/** A piece of a document and what the parser must make of it. */
interface Part<T> {
  readonly text: string
  readonly means: T
}

/** A whole produce body. */
export type Document = Part<{ batch: boolean; records: OutgoingRecord[] }>

const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ')

/** JSON text of a string, in forms that JSON.stringify never writes. */
function stringText(value: string): fc.Arbitrary<string> {
  const plain = JSON.stringify(value)
  const escaped = [...value]
    .flatMap((c) => [...Array(c.length).keys()].map((i) => c.charCodeAt(i)))
    .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
  return fc.constantFrom(plain, plain, plain, `"${escaped.join('')}"`, plain.replaceAll('/', '\\/'))
}

const textPart: fc.Arbitrary<Part<string>> = fc
  .oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.constantFrom('', 'é/"\\\n', '💥', '\u2028', 'null'),
  )
  .chain((means) => stringText(means).map((text) => ({ text, means })))

/** JSON whose text JSON.parse and JSON.stringify would not give back. */
const rawText = fc
  .oneof(
    fc.json({ maxDepth: 3 }),
    fc.constantFrom('1.0', '1e400', '-0', '12345678901234567890', 'true', '{ "b" : 1, "a":1, "a":2 }', '[ ]'),
    fc.constantFrom('"\\ud800"', '{"__proto__":1}').map((json) => `[${json}]`),
  )
  .filter((text) => !/^\s*("|null\s*$)/.test(text))

const base64Part: fc.Arbitrary<Part<Buffer>> = fc.uint8Array({ maxLength: 12 }).chain((bytes) => {
  const means = Buffer.from(bytes)
  return stringText(means.toString('base64')).map((text) => ({ text, means }))
})

/** A key or value, with the text of its encoding member where it has one. */
const content: fc.Arbitrary<Part<Buffer | null> & { encoding?: string }> = fc.oneof(
  textPart.map(({ text, means }) => ({ text, means: Buffer.from(means) })),
  rawText.map((text) => ({ text, means: Buffer.from(text.trim()) })),
  fc.constant({ text: 'null', means: null }),
  fc
    .tuple(base64Part, fc.constantFrom('"base64"', '"\\u0062ase64"'))
    .map(([part, encoding]) => ({ ...part, encoding })),
  fc.constant({ text: 'null', means: null, encoding: '"base64"' }),
  textPart.map(({ text, means }) => ({ text, means: Buffer.from(means), encoding: 'null' })),
)

const headerText = fc.oneof(textPart, fc.constant({ text: 'null', means: null }))
const headerName = fc.oneof(
  textPart.filter(({ means }) => ![...means].some((c) => c < ' ' || c === '\x7f')),
  fc.constantFrom('__proto__', 'constructor', 'a').map((means) => ({ text: JSON.stringify(means), means })),
)
/** A header's name in the list form, which can be bytes. */
const encodedName: fc.Arbitrary<Part<string | Buffer> & { encoding?: string }> = fc.oneof(
  headerName,
  fc
    .uint8Array({ min: 0x80, maxLength: 9 })
    .map((array) => Buffer.from(array))
    .map((means) => ({ text: JSON.stringify(means.toString('base64')), means, encoding: '"base64"' })),
)
const bytesOf = (means: string | null) => (means === null ? null : Buffer.from(means))

const headers: fc.Arbitrary<Part<OutgoingRecord['headers']>> = fc.oneof(
  fc.constantFrom('null', '{}', '[]', '{ }', '[\n]').map((text) => ({ text, means: [] })),
  fc
    .uniqueArray(fc.tuple(headerName, headerText), { selector: ([name]) => name.means, maxLength: 4 })
    .map((entries) => ({
      text: `{${entries.map(([name, value]) => `${name.text}: ${value.text}`).join(',')}}`,
      means: entries.map(([name, value]) => ({ name: Buffer.from(name.means), value: bytesOf(value.means) })),
    })),
  fc
    .array(fc.tuple(encodedName, content, fc.boolean()), { maxLength: 4 })
    .map((all) => all.filter(([, value]) => /^("|null$)/.test(value.text)))
    .map((entries) => ({
      text: `[${entries
        .map(([name, { text, encoding }, swapped]) => {
          const members = [`"name":${name.text}`, `"value":${text}`]
          if (encoding !== undefined) members.unshift(`"encoding":${encoding}`)
          if (name.encoding !== undefined) members.unshift(`"nameEncoding":${name.encoding}`)
          return `{${(swapped ? members.reverse() : members).join(' , ')}}`
        })
        .join(',')}]`,
      means: entries.map(([name, value]) => ({
        name: Buffer.from(name.means as string),
        value: value.means,
      })),
    })),
)

function integer(max: number): fc.Arbitrary<Part<number | undefined>> {
  return fc.oneof(
    fc.oneof(fc.nat(max), fc.constantFrom(0, max)).map((means) => ({ text: String(means), means })),
    fc.constant({ text: 'null', means: undefined }),
  )
}

const record: fc.Arbitrary<Part<OutgoingRecord>> = fc
  .record(
    {
      value: content,
      key: content,
      headers,
      partition: integer(0x7fffffff),
      timestamp: integer(Number.MAX_SAFE_INTEGER),
    },
    { requiredKeys: ['value'] },
  )
  .chain((parts) => {
    const { key, value } = parts
    const members = Object.entries(parts).map(([name, part]) => `"${name}":${part.text}`)
    if (key?.encoding !== undefined) members.push(`"keyEncoding" :${key.encoding}`)
    if (value.encoding !== undefined) members.push(`"valueEncoding": ${value.encoding}`)
    return fc.tuple(fc.shuffledSubarray(members, { minLength: members.length }), space).map(([list, s]) => ({
      text: `{${s}${list.join(`${s},${s}`)}${s}}`,
      means: {
        key: key?.means ?? null,
        value: value.means,
        headers: parts.headers?.means ?? [],
        partition: parts.partition?.means,
        timestamp: parts.timestamp?.means,
      },
    }))
  })

/** Produce bodies that are right in every way JSON lets one write them. */
export const documents: fc.Arbitrary<Document> = fc.tuple(space, space).chain(([a, b]) =>
  fc.oneof(
    record.map(({ text, means }) => ({ text: a + text + b, means: { batch: false, records: [means] } })),
    fc.array(record, { minLength: 1, maxLength: 4 }).map((records) => ({
      text: `${a}{"records"${b}:${a}[${records.map(({ text }) => text).join(`,${b}`)}]${a}}`,
      means: { batch: true, records: records.map(({ means }) => means) },
    })),
  ),
)

/** The text of one with something taken out, put in or changed: mostly wrong, and close to right. */
export const mutations: fc.Arbitrary<string> = fc
  .tuple(
    documents,
    fc.nat(),
    fc.constantFrom(
      ...'"\\{}[],:.-+eE01 tfnu\n\u0001=A/',
      '"value"',
      '"key"',
      '"x":1,',
      '"base64"',
      '"\\udc00"',
      '-1',
      '1.0',
      '"__proto__":1,',
      '"timestamp":1e3,',
      '"valueEncoding":"base64",',
    ),
    fc.nat(3),
  )
  .map(([{ text }, at, piece, cut]) => {
    // Half of them land where a member or element can stand.
    const places = [...text.matchAll(/[{[,]/g)].map(({ index }) => index + 1)
    const i = at % 2 === 0 ? at % (text.length + 1) : (places[at % Math.max(1, places.length)] ?? 0)
    const changed =
      text.slice(0, i) + (cut === 0 ? '' : piece) + text.slice(i + (cut === 3 ? piece.length : cut))
    // Half a character has no UTF-8 to be sent in.
    return changed.toWellFormed()
  })
