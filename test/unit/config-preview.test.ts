import { describe, expect, it } from 'vitest'
import type { ConfigChanges } from '../../src/kafka/admin/configs/config-changes.ts'
import { type ConfigEntry, toConfigEntries } from '../../src/kafka/admin/configs/config-entry.ts'
import { ownValue, previewOf, showsChange } from '../../src/kafka/admin/configs/config-preview.ts'

const BROKER = 2
const CLUSTER = 3
const DEFAULT = 5
const LIST = 7

/** A config as Kafka answers it, with each place where it is set. */
function entry(
  name: string,
  origins: [value: string, source: number, name?: string][],
  secret = false,
): ConfigEntry {
  const [first] = origins
  const synonyms = origins.map(([value, source, as = name]) => ({ name: as, value, source }))
  const answer = {
    name,
    value: first?.[0] ?? null,
    readOnly: false,
    configSource: first?.[1] ?? DEFAULT,
    isSensitive: secret,
    configType: LIST,
    synonyms,
  }
  return toConfigEntries([answer])[0]!
}

function changes(kind: keyof ConfigChanges, name: string, value: string | null | string[]): ConfigChanges {
  const none = { set: new Map(), append: new Map(), subtract: new Map() }
  return { ...none, [kind]: new Map([[name, value]]) } as ConfigChanges
}

const set = (value: string | null) => changes('set', 'a', value)

describe('the preview of a config', () => {
  it.each([
    ['a set where nothing is set', entry('a', [['1', DEFAULT]]), set('2'), 'broker', '2', 'broker'],
    [
      'a set above another',
      entry('a', [
        ['1', CLUSTER],
        ['0', DEFAULT],
      ]),
      set('2'),
      'broker',
      '2',
      'broker',
    ],
    [
      'a set for all below one of a broker',
      entry('a', [
        ['1', BROKER],
        ['0', DEFAULT],
      ]),
      set('2'),
      'cluster',
      '1',
      'broker',
    ],
    [
      'a delete',
      entry('a', [
        ['2', BROKER],
        ['1', CLUSTER],
      ]),
      set(null),
      'broker',
      '1',
      'cluster',
    ],
    ['a delete of what is not set', entry('a', [['1', DEFAULT]]), set(null), 'broker', '1', 'default'],
    ['a delete that leaves nothing', entry('a', [['2', BROKER]]), set(null), 'broker', null, 'default'],
    ['an append', entry('a', [['x', BROKER]]), changes('append', 'a', ['y', 'x']), 'broker', 'x,y', 'broker'],
    [
      'an append where the list is set elsewhere',
      entry('a', [
        ['z', CLUSTER],
        ['x', DEFAULT],
      ]),
      changes('append', 'a', ['y']),
      'broker',
      'x,y',
      'broker',
    ],
    [
      'a subtract',
      entry('a', [['x, y', BROKER]]),
      changes('subtract', 'a', ['x', 'q']),
      'broker',
      'y',
      'broker',
    ],
  ] as const)(
    'has the value and the source in force after %s',
    (_what, before, change, level, value, source) => {
      const after = previewOf(before, change, level)
      expect(after).toMatchObject({ value, source, default: source === 'default' })
      const isGone = change.set.get('a') === null
      expect(ownValue(after, level) === undefined).toBe(isGone)
      expect(showsChange(after, change, level)).toBe(true)
    },
  )

  it('tells no secret', () => {
    const after = previewOf(entry('a', [['old', BROKER]], true), set('new'), 'broker')
    expect(JSON.stringify(after)).not.toMatch(/old|new/)
    expect(showsChange(after, set('new'), 'broker')).toBe(true)
  })

  it('takes no synonym for the config itself', () => {
    const before = entry('log.retention.ms', [['7', BROKER, 'log.retention.hours']])
    expect(ownValue(before, 'broker')).toBeUndefined()
    expect(showsChange(before, changes('set', 'log.retention.ms', '7'), 'broker')).toBe(false)
  })
})
