import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fitsGlob } from '../../src/routes/topics/topic-glob.ts'

const letters = (alphabet: string) =>
  fc.array(fc.constantFrom(...alphabet), { maxLength: 12 }).map((characters) => characters.join(''))

it('fits a name as the same pattern does as a regular expression', () => {
  fc.assert(
    fc.property(letters('ab.*?'), letters('ab.-'), (pattern, name) => {
      const expression = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      expect(fitsGlob(pattern, name)).toBe(new RegExp(`^${expression}$`).test(name))
    }),
    { numRuns: 2_000 },
  )
})

it('takes no longer for many stars', () => {
  const name = 'a'.repeat(249)
  const start = performance.now()
  for (let i = 0; i < 1_000; i++) expect(fitsGlob(`${'*a'.repeat(100)}*b`, name)).toBe(false)
  expect(performance.now() - start).toBeLessThan(5_000)
})
