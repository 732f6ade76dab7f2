import { expect, it } from 'vitest'
import type { ProgressEvent } from '../../src/streams/events.ts'
import { Renderings } from '../../src/streams/renderings.ts'

const turn = (): readonly ProgressEvent[] => [
  { kind: 'progress', topic: 't', partition: 0, nextOffset: 1, end: 1 },
]

it('makes of a turn once what is made of it in one way from one cursor on', () => {
  const renderings = new Renderings<object>()
  const events = turn()
  const first = renderings.of(events, 'json', 'c1', () => ({}))
  expect(renderings.of(events, 'json', 'c1', () => ({}))).toBe(first)
  expect(renderings.of(events, 'json', 'c2', () => ({}))).not.toBe(first)
  expect(renderings.of(events, 'text', 'c1', () => ({}))).not.toBe(first)
  expect(renderings.of(turn(), 'json', 'c1', () => ({}))).not.toBe(first)
})
