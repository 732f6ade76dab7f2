import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { stringify, parse } from 'yaml'
import { createRegistry } from '../../src/metrics/registry.ts'
import type { Readings } from '../../src/metrics/readings.ts'
import { contract } from '../support/contract.ts'
import { temporaryDir } from '../support/temporary-dir.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly summary: string }
}
interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}
interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

const { groups } = parse(read('deploy/observability/alerts.yaml')) as { groups: { rules: Alert[] }[] }
const alerts = groups.flatMap(({ rules }) => rules)
const dashboard = JSON.parse(read('deploy/observability/grafana-dashboard.json')) as Dashboard
const queries = [
  ...alerts.map(({ alert, expr }) => ({ name: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ name: title, expr })),
  ),
  ...dashboard.templating.list.map(({ name, definition = '' }) => ({ name, expr: definition })),
]

/** Every series that a scrape can have, by name, with its labels; Prometheus adds two of its own. */
const series = new Map<string, Set<string>>()
const registered = createRegistry({} as Readings).getMetricsAsArray() as unknown as {
  name: string
  type: string
  labelNames: readonly string[]
}[]
for (const { name, type, labelNames } of registered) {
  const labels = ['job', 'instance', ...labelNames]
  if (type !== 'histogram') series.set(name, new Set(labels))
  else
    for (const part of ['bucket', 'sum', 'count']) series.set(`${name}_${part}`, new Set([...labels, 'le']))
}

/** What a query asks for that there is not. */
function unknownIn(expr: string): string[] {
  const found: string[] = []
  const named = [...expr.matchAll(/\b(sluice_\w+)\s*(?:\{([^}]*)\})?/g)]
  for (const [, name = '', selector = ''] of named) {
    const labels = series.get(name)
    if (labels === undefined) found.push(name)
    for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) {
      if (labels?.has(label) === false) found.push(`${name}{${label}}`)
    }
  }
  const all = new Set(named.flatMap(([, name = '']) => [...(series.get(name) ?? [])]))
  for (const [, list = ''] of expr.matchAll(/\b(?:by|without|on)\s*\(([^)]*)\)/g)) {
    for (const label of list.split(',')) if (!all.has(label.trim())) found.push(`by (${label.trim()})`)
  }
  return found
}

const operations = new Set(
  Object.values(contract.paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId)),
)

describe('the dashboard and the alerts', () => {
  it('are looked through by this test', () => {
    expect(alerts.length).toBeGreaterThan(10)
    expect(queries.length).toBeGreaterThan(40)
    expect(unknownIn('sum by (topic, color) (rate(sluice_nothing_total{x="1"}[5m]))')).toHaveLength(3)
    expect(unknownIn('sluice_streams{topic="a"}')).toEqual(['sluice_streams{topic}'])
  })

  it.each(queries)('ask for what there is: $name', ({ expr }) => {
    expect(unknownIn(expr)).toEqual([])
    for (const [, value = ''] of expr.matchAll(/operation[=!]="(\w+)"/g)) expect(operations).toContain(value)
  })

  it('show in legends and texts labels that the query leaves', () => {
    const shown = dashboard.panels.flatMap(({ targets = [] }) => targets)
    for (const { expr, legendFormat } of shown) {
      const by = /\bby\s*\(([^)]*)\)/
        .exec(expr)?.[1]
        ?.split(',')
        .map((label) => label.trim())
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(by ?? ['job', 'instance'], expr).toContain(label)
      }
    }
  })

  it('have a row for each alert in the guide, that says what to do', () => {
    const guide = read('docs/operations.md')
    const rows = [...guide.matchAll(/^\| `(Sluice\w+)`\s+\|/gm)].map(([, name]) => name)
    expect(rows.sort()).toEqual(alerts.map(({ alert }) => alert).sort())
  })

  it('are rules and queries that Prometheus takes', (context) => {
    // Its own tool, where the machine has it: apt-get install prometheus.
    if (spawnSync('promtool', ['--version']).error !== undefined) return context.skip()
    const recorded = queries.map(({ expr }, n) => ({
      record: `query_${n}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replace(/^label_values\((.*), \w+\)$/, '$1') || '1',
    }))
    const file = join(temporaryDir(), 'queries.yaml')
    writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules: recorded }] }))
    for (const path of [new URL('deploy/observability/alerts.yaml', root).pathname, file]) {
      expect(execFileSync('promtool', ['check', 'rules', path], { encoding: 'utf8' })).toContain('SUCCESS')
    }
  })
})
