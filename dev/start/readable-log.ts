import { type Logger, pino } from 'pino'

/**
 * The log of `npm start`: on stderr, away from the banner, and warnings only unless SLUICE_LOG_LEVEL asks for more.
 * A person at a terminal gets lines, a pipe gets JSON.
 */
export function startLog(level: string, stderr: Output): Logger {
  const write = logLine(stderr)
  return pino({ name: 'sluice', level, serializers: { error: pino.stdSerializers.err } }, { write })
}

interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** What becomes of a line of the log. */
export function logLine(stderr: Output): (line: string) => void {
  return (line) => void stderr.write(stderr.isTTY ? readable(line) : line)
}

/** In every line, and the same in each. */
const pinoBase = new Set(['pid', 'hostname', 'name'])

/** One JSON line of the log as a line to read: time, level, message, then the other members. */
export function readable(line: string): string {
  const { time, level, msg, ...rest } = JSON.parse(line)
  const members = Object.entries(rest)
    .filter(([key]) => !pinoBase.has(key))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  const label = pino.levels.labels[level] ?? String(level)
  return `${[new Date(time).toTimeString().slice(0, 8), label, msg, ...members].join(' ')}\n`
}
