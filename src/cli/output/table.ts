import type { Style } from './style.ts'

/** A column of a table of rows of `T`. */
export interface Column<T> {
  readonly title: string
  readonly value: (row: T) => string | number | boolean | null | undefined
  /** Numbers stand at the right of their column. */
  readonly right?: boolean
  readonly paint?: (row: T, style: Style) => ((text: string) => string) | undefined
}

/** What stands for a value that is not known or not there. */
const NOTHING = '-'

/** Rows as lines of aligned columns, two spaces apart, below their titles; `style` is for a terminal. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], style: Style): string {
  const cells = rows.map((row) => columns.map((column) => textOf(column.value(row))))
  const widths = columns.map(({ title }, n) =>
    cells.reduce((width, row) => Math.max(width, widthOf(row[n]!)), title.length),
  )
  const line = (texts: readonly string[], paint: (n: number) => ((text: string) => string) | undefined) =>
    texts
      .map((text, n) => {
        const gap = ' '.repeat(Math.max(0, widths[n]! - widthOf(text)))
        const painted = paint(n)?.(text) ?? text
        if (columns[n]!.right === true) return gap + painted
        return n === texts.length - 1 ? painted : painted + gap
      })
      .join('  ')
  const titles = line(
    columns.map(({ title }) => title),
    () => style.bold,
  )
  const lines = cells.map((texts, n) => line(texts, (column) => columns[column]!.paint?.(rows[n]!, style)))
  return [titles, ...lines].map((text) => `${text}\n`).join('')
}

function textOf(value: string | number | boolean | null | undefined): string {
  if (value === null || value === undefined || value === '') return NOTHING
  if (value === true) return 'yes'
  if (value === false) return 'no'
  // A line feed or an escape sequence in a name must not take the table apart, nor reach the terminal.
  return printable(String(value))
}

/** Text with its control characters escaped. */
export function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** How many columns of a terminal a text takes, about: wide characters of East Asia take two. */
function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const c of text)
    width += /\p{Mark}/u.test(c)
      ? 0
      : /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/u.test(
            c,
          )
        ? 2
        : 1
  return width
}
