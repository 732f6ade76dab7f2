import { describe, expect, it } from 'vitest'
import { parseOptions, routes, scenarios } from '../../../soak/options.ts'

describe('the options of the soak', () => {
  it('are those of producers where nothing else is said', () => {
    expect(parseOptions(['--seed', '7'])).toEqual({ what: 'produce', seconds: 600, seed: 7, routes })
    expect(parseOptions(['--routes', 'single,batch'])).toMatchObject({ routes: ['single', 'batch'] })
  })

  it('may be those of consumers', () => {
    const args = ['consume', '--seconds', '5', '--seed', '7']
    expect(parseOptions(args)).toEqual({ what: 'consume', seconds: 5, seed: 7, members: 20, scenarios })
    expect(parseOptions([...args, '--scenarios', 'churn', '--members', '3'])).toMatchObject({
      scenarios: ['churn'],
      members: 3,
    })
  })

  it.each([
    [['destroy'], 'destroy: expected produce or consume'],
    [['--seconds', 'many'], '--seconds: expected a whole number'],
    [['--routes', 'single,smoke'], '--routes: no smoke; there are single, '],
    [['consume', '--scenarios', 'peace'], '--scenarios: no peace; there are churn, '],
    [['--members', '3'], '--members: of consume alone'],
    [['consume', '--routes', 'single'], '--routes: of produce alone'],
  ])('are refused with a sentence: %s', (args, sentence) => {
    expect(() => parseOptions(args)).toThrow(sentence)
  })
})
