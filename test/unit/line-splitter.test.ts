import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineSplitter } from '../../src/records/line-splitter.ts'

/** The lines of bytes that come in pieces; undefined for one that is too long. */
function split(pieces: readonly Buffer[], maxBytes: number): (string | undefined)[] {
  const splitter = new LineSplitter(maxBytes)
  const lines: (string | undefined)[] = []
  for (const piece of pieces) {
    splitter.push(piece, (line) => lines.push(line?.toString()))
    expect(splitter.heldBytes).toBeLessThanOrEqual(maxBytes)
  }
  const last = splitter.end()
  return last === undefined ? lines : [...lines, last.toString()]
}

describe('LineSplitter', () => {
  it('finds the same lines wherever the pieces end, and holds no line that is too long', () => {
    const line = fc.string({ unit: fc.constantFrom('a', '\r', ' '), maxLength: 9 })
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(12)), fc.boolean(), (lines, sizes, ended) => {
        const text = lines.map((each) => `${each}\n`).join('') + (ended ? '' : 'tail')
        const pieces: Buffer[] = []
        let rest = Buffer.from(text)
        for (const size of sizes) {
          pieces.push(rest.subarray(0, size))
          rest = rest.subarray(size)
        }
        pieces.push(rest)
        const expected = [...lines, ...(ended ? [] : ['tail'])]
        expect(split(pieces, 6)).toEqual(expected.map((each) => (each.length > 6 ? undefined : each)))
      }),
    )
  })

  it('skips what still comes of a line that was dropped', () => {
    const splitter = new LineSplitter(10)
    const lines: string[] = []
    const each = (line: Buffer | undefined) => lines.push(String(line))
    splitter.push(Buffer.from('half'), each)
    splitter.drop()
    expect(splitter.heldBytes).toBe(0)
    splitter.push(Buffer.from(' of it\nnext\n'), each)
    expect(lines).toEqual(['next'])
  })
})
