import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { Result } from '../../../faults/play.ts'
import { published } from '../../../faults/publish.ts'
import { scenarios } from '../../../faults/scenarios/all.ts'

const page = readFileSync(new URL('../../../docs/reliability.md', import.meta.url), 'utf8')
const result = (scenario: string, seed: number): Result => ({
  ...{ scenario, seed, faults: 1, seconds: 2, resources: [], broken: [] },
  verdict: {
    routes: [{ route: 'single', sent: 5, ok: 3, fail: 1, info: 1, infoFound: 0, worstMs: 7 }],
    ...{ consumers: [], counts: {}, broken: [] },
  },
})
const rows = (text: string) =>
  text.split('\n').filter((line) => /^\| [a-z0-9-]+ .*(kept|caught|BROKEN) +\|$/.test(line))

it('a run replaces the rows of its scenarios in the page, and no others', () => {
  const first = published(page, [result('kill-leader', 7), result('stop-leader', 8)], scenarios)
  const second = published(first, [result('kill-leader', 9)], scenarios)
  const row = (text: string, name: string) => rows(text).find((line) => line.startsWith(`| ${name} `))
  expect(row(first, 'kill-leader')).toMatch(
    /\| 7 +\| 2 +\| 1 +\| 5 +\| 3 +\| 1 +\| 1 +\| 0 +\| 0 +\| 0 +\| 7 +\| kept +\|$/,
  )
  expect(row(second, 'kill-leader')).toMatch(/\| 9 +\|/)
  expect(row(second, 'stop-leader')).toBe(row(first, 'stop-leader'))
  expect(rows(second)).toHaveLength(rows(first).length)
})

it('the page has a row for scenarios that there are, and for none that broke a promise', () => {
  const names = rows(page).map((line) => line.slice(2).split(' ', 1)[0]!)
  expect(names.length).toBeGreaterThan(5)
  for (const name of names) expect(scenarios.map((scenario) => scenario.name)).toContain(name)
  expect(page).not.toContain('BROKEN')
})
