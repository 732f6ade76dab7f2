import { exitCodes, type ProblemDocument, problemText } from '../errors.ts'
import type { Column } from './table.ts'

/** One of several things that a request changed, or did not. */
export interface Part {
  readonly error?: ProblemDocument | undefined
}

/** Sets the exit code where some of several things were not done. */
export function noteParts(parts: readonly Part[]): void {
  if (parts.some(({ error }) => error !== undefined)) process.exitCode = exitCodes.partly
}

/** Why a part was not done; no column where all were. */
export function errorColumns(parts: readonly Part[]): Column<Part>[] {
  if (parts.every(({ error }) => error === undefined)) return []
  return [
    {
      title: 'NOT DONE',
      value: ({ error }) => error && problemText(error),
      paint: ({ error }, style) => (error === undefined ? undefined : style.red),
    },
  ]
}

/** Facts below a heading, their names in a column. */
export function facts(
  pairs: readonly (readonly [name: string, value: string | number | null | undefined])[],
): string {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== null)
  const width = Math.max(...shown.map(([name]) => name.length)) + 2
  return shown.map(([name, value]) => `  ${name.padEnd(width)}${value}\n`).join('')
}
