import type { Verdict } from './checker/check.ts'
import type { Result } from './play.ts'

/** A line about how far the run is. */
export function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}

/** Rows of the same members as a table in Markdown. */
export function table(rows: readonly object[]): string {
  const columns = Object.keys(rows[0] ?? {})
  const cells = rows.map((row) => columns.map((column) => String((row as Record<string, unknown>)[column])))
  const widths = columns.map((column, i) => Math.max(column.length, ...cells.map((row) => row[i]!.length)))
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return `${[line(columns), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n')}\n`
}

/** Of all routes. */
export function sumOf({ routes }: Verdict, member: 'sent' | 'ok' | 'info' | 'fail'): number {
  return routes.reduce((all, row) => all + row[member], 0)
}

/** One line for each scenario. */
export function summary(results: readonly Result[]): string {
  return table(
    results.map(({ scenario, seed, faults, seconds, verdict, broken }) => {
      const { routes, counts } = verdict
      const sum = (member: 'sent' | 'ok' | 'info' | 'fail') => sumOf(verdict, member)
      return {
        ...{ scenario, seed, seconds, faults },
        ...{ sent: sum('sent'), ok: sum('ok'), info: sum('info'), fail: sum('fail') },
        lost: counts.lost ?? 0,
        resurrected: counts.resurrected ?? 0,
        duplicates: counts.duplicate ?? 0,
        skipped: (counts.skipped ?? 0) + (counts.unseen ?? 0),
        worstMs: routes.reduce((most, { worstMs }) => Math.max(most, worstMs), 0),
        verdict: broken.length === 0 ? 'kept' : 'BROKEN',
      }
    }),
  )
}

/** All there is to say of one scenario. */
export function details({ scenario, verdict, resources, broken, kept }: Result): string {
  const parts = [`## ${scenario}\n`, table(verdict.routes)]
  if (verdict.consumers.length > 0) parts.push(table(verdict.consumers))
  if (resources.length > 0) parts.push(table(resources))
  if (broken.length > 0) parts.push(broken.map((sentence) => `BROKEN ${sentence}\n`).join(''))
  if (kept !== undefined) parts.push(`Histories and logs: ${kept}\n`)
  return parts.join('\n')
}
