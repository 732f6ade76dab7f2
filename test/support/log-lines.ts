import { type Logger, pino } from 'pino'

/** A logger at the lowest level, and every line it wrote. */
export function logLines(): { log: Logger; lines: Record<string, unknown>[]; text: () => string } {
  const lines: Record<string, unknown>[] = []
  let all = ''
  const write = (line: string) => {
    all += line
    lines.push(JSON.parse(line) as Record<string, unknown>)
  }
  return { log: pino({ level: 'trace' }, { write }), lines, text: () => all }
}
