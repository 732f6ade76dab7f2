import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import type { Config } from './config/config.ts'

const CENSORED = '[redacted]'
/** Objects within objects past this are left out: what is logged is flat. */
const MAX_DEPTH = 5
/** Names whose values prove who somebody is. */
const secretName =
  /^(proxy-?)?authorization$|cookie|passw(or)?d|secret|credential|^sasl$|^(api|private|client)?-?_?keys?$|(^|[-_])token$|token$|ticket/i
/** Credentials within text: of an Authorization header, or of a URL. */
const secretText = /\b(Bearer|Basic|Digest|Negotiate)\s+[\w.~+/=:-]+|(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/gi

/** How the gateway logs: JSON lines that show no secret, whatever an error or a header brings with it. */
export function logOptions({ logLevel }: Pick<Config, 'logLevel'>): LoggerOptions {
  return {
    name: 'sluice',
    level: logLevel,
    formatters: { log: (fields) => redacted(fields, 0) as Record<string, unknown> },
  }
}

export function createLogger(config: Pick<Config, 'logLevel'>, destination?: DestinationStream): Logger {
  return destination === undefined ? pino(logOptions(config)) : pino(logOptions(config), destination)
}

function redacted(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.replace(secretText, (_, scheme?: string) => censor(scheme))
  if (value === null || typeof value !== 'object') return value
  if (depth > MAX_DEPTH) return '[...]'
  if (Buffer.isBuffer(value)) return `[${value.length} bytes]`
  if (value instanceof Error) return redacted(plainError(value), depth)
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1))
  const entries = Object.entries(value).map(([name, inner]) => {
    const isSecret = secretName.test(name) && inner !== undefined && typeof inner !== 'boolean'
    return [name, isSecret ? CENSORED : redacted(inner, depth + 1)]
  })
  return Object.fromEntries(entries)
}

function censor(scheme: string | undefined): string {
  return scheme === undefined ? CENSORED : `${scheme} ${CENSORED}`
}

/** What an error says, which JSON leaves out. */
function plainError(error: Error): object {
  const { name, message, stack, cause } = error
  return { type: name, ...error, message, stack, ...(cause === undefined ? {} : { cause }) }
}
