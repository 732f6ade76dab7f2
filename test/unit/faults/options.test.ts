import { describe, expect, it } from 'vitest'
import { parseOptions } from '../../../faults/options.ts'
import { scenarios } from '../../../faults/scenarios/all.ts'

const chosen = (...args: string[]) => parseOptions(args, scenarios).scenarios.map(({ name }) => name)
const short = scenarios.filter(({ isShort }) => isShort === true).map(({ name }) => name)

describe('the options of the faults', () => {
  it('are the short selection where nothing is said, and all but what goes on for long where that is', () => {
    expect(chosen()).toEqual(short)
    const brief = scenarios.filter(({ isLong }) => isLong !== true)
    expect(chosen('--all')).toEqual(brief.map(({ name }) => name))
  })

  it('may name scenarios, and what npm run soak says is no more than a default', () => {
    expect(chosen('--scenario', 'mixed')).toEqual(['mixed'])
    expect(chosen('soak', 'mixed')).toEqual(['mixed'])
  })

  it('are numbers where they have to be', () => {
    const given = [
      'mixed',
      '--seed',
      '7',
      '--seconds',
      '5',
      '--max-old-space-size',
      '256',
      '--max-rss',
      '512',
    ]
    expect(parseOptions(given, scenarios)).toMatchObject({ seed: 7, seconds: 5, heapMb: 256, maxRssMb: 512 })
  })

  it.each([
    [['--scenario', 'peace'], 'there is no scenario peace'],
    [['--seconds', 'many'], '--seconds: expected a whole number'],
    [['--peace'], 'peace'],
  ])('are refused with a sentence: %s', (args, sentence) => {
    expect(() => parseOptions(args, scenarios)).toThrow(sentence)
  })
})

it('every scenario has a name of its own and a sentence', () => {
  expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
  for (const { name, title } of scenarios) {
    expect(name).toMatch(/^[a-z0-9-]+$/)
    expect(title).toMatch(/\w.{20,}/)
  }
})
