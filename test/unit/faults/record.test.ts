import { describe, expect, it } from 'vitest'
import { contentOf, digestOf, jsonOf, newId, received } from '../../../faults/history/record.ts'

const ids = Array.from({ length: 200 }, (_, n) => newId('client', n))

describe('the records of a run', () => {
  it('are of every shape there is', () => {
    const all = ids.map(contentOf)
    const kinds = (bytes: Buffer | null) =>
      bytes === null ? 'null' : bytes.length === 0 ? 'empty' : bytes[0] === 0xff ? 'bytes' : 'text'
    for (const member of ['key', 'value'] as const) {
      expect(new Set(all.map((content) => kinds(content[member])))).toEqual(
        new Set(['null', 'empty', 'bytes', 'text']),
      )
    }
    expect(new Set(all.map(({ headers }) => headers.map(([name]) => name).join()))).toEqual(
      new Set(['id', 'id,twice,twice', 'id,bytes']),
    )
  })

  it('are received as they were sent', () => {
    for (const id of ids) expect(received(jsonOf(id))).toEqual({ id, digest: digestOf(contentOf(id)) })
  })

  it('differ in their digest where they differ in anything', () => {
    const content = {
      key: Buffer.from('k'),
      value: null,
      headers: [['a', Buffer.from('1')]] as const,
      timestamp: 1,
    }
    const others = [
      { ...content, key: null },
      { ...content, key: Buffer.from('') },
      { ...content, value: Buffer.from('') },
      { ...content, headers: [] },
      { ...content, headers: [['a', Buffer.from('')]] as const },
      { ...content, timestamp: 2 },
    ]
    expect(new Set([content, ...others].map(digestOf)).size).toBe(others.length + 1)
  })
})
