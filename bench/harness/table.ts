import type { Row } from './row.ts'

const HEADINGS = ['', 'figure', 'baseline', 'ratio', 'RSS', 'CPU/record (baseline)', 'hold', '']

/** The rows as a table for a terminal that is also one of Markdown. */
export function table(rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)]
  const widths = HEADINGS.map((_, column) => Math.max(3, ...cells.map((line) => line[column]!.length)))
  const lines = cells.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`)
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}

function cellsOf(row: Row): string[] {
  const { benchmark, what, unit, figure, baseline, ratio, rssMb, cpuMicros, hold } = row
  const baselineCpu = baseline?.cpuMicros === undefined ? '' : ` (${baseline.cpuMicros.toFixed(1)})`
  return [
    `${benchmark}: ${what}`,
    `${format(figure)} ${unit}`,
    baseline === undefined ? '' : `${format(baseline.figure)} (${baseline.what})`,
    ratio === undefined ? '' : ratio.toFixed(2),
    rssMb === undefined ? '' : `${rssMb.toFixed(0)} MB`,
    cpuMicros === undefined ? '' : `${cpuMicros.toFixed(1)} µs${baselineCpu}`,
    hold?.text ?? '',
    hold === undefined ? '' : hold.met ? 'met' : 'NOT MET',
  ]
}

function format(figure: number): string {
  const digits = figure < 10 ? 2 : figure < 100 ? 1 : 0
  return figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
