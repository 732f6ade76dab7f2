import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64 } from '../../src/records/base64.ts'

describe('decodeBase64', () => {
  it('gives back the bytes of every canonical text', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('takes no second text for the same bytes', () => {
    const alphabet = fc.constantFrom(...'AQRSTUVWXYZabcyz0189+/=-_ \n')
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 9 }), (text) => {
        const bytes = Buffer.from(text, 'base64')
        const expected = bytes.toString('base64') === text ? bytes : undefined
        expect(decodeBase64(text)).toEqual(expected)
      }),
      { numRuns: 20_000 },
    )
  })

  it.each(['YR==', 'YWJ=', 'YQ', 'YQ=', 'YQ===', 'Y', 'YQ==\n', ' YQ==', 'YWJj-_', '=', 'YQ==YQ=='])(
    'refuses %j',
    (text) => expect(decodeBase64(text)).toBeUndefined(),
  )
})
