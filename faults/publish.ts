import type { Result } from './play.ts'
import { sumOf, table } from './report.ts'
import type { Scenario } from './scenarios/scenario.ts'

const BEGIN = '<!-- Made by `npm run faults -- --publish`. -->'
const END = '<!-- End of what is made. -->'

/**
 * The page with the results in the table that it has between its marks, in the order of the scenarios; rows of others stay.
 * @throws Error where the page has no marks
 */
export function published(page: string, results: readonly Result[], scenarios: readonly Scenario[]): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} before ${END}`)
  const before = rowsOf(page.slice(begin + BEGIN.length, end))
  const rows = scenarios.flatMap((scenario) => {
    const result = results.find((one) => one.scenario === scenario.name)
    const row = result === undefined ? before.get(scenario.name) : rowOf(result, scenario)
    return row === undefined ? [] : [row]
  })
  return `${page.slice(0, begin)}${BEGIN}\n\n${table(rows)}\n${page.slice(end)}`
}

/** All that is said of a scenario, by the names of the columns. */
type Row = Readonly<Record<string, string>>

function rowOf(result: Result, { expected, title }: Scenario): Row {
  const { scenario, seed, seconds, faults, verdict, broken } = result
  const { counts } = verdict
  const sum = (member: 'sent' | 'ok' | 'info' | 'fail') => String(sumOf(verdict, member))
  const isKept = broken.length === 0
  return {
    ...{
      scenario,
      'what happens': title,
      seed: String(seed),
      seconds: String(seconds),
      faults: String(faults),
    },
    ...{ records: sum('sent'), ok: sum('ok'), info: sum('info'), fail: sum('fail') },
    lost: String(counts.lost ?? 0),
    duplicates: String(counts.duplicate ?? 0),
    skipped: String((counts.skipped ?? 0) + (counts.unseen ?? 0)),
    'worst ms': String(verdict.routes.reduce((most, { worstMs }) => Math.max(most, worstMs), 0)),
    verdict: !isKept ? 'BROKEN' : expected === undefined ? 'kept' : 'caught',
  }
}

/** The rows of a table in Markdown by their first cell. */
function rowsOf(text: string): Map<string, Row> {
  const lines = text.split('\n').filter((line) => line.startsWith('|'))
  const [columns = [], , ...rows] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  return new Map(
    rows.map((cells) => [cells[0]!, Object.fromEntries(columns.map((name, i) => [name, cells[i]!]))]),
  )
}
