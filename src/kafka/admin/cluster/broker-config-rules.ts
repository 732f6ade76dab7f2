import type { ProblemCode } from '../../../problems/problems.ts'
import { KafkaCode, problemFromKafkaCode } from '../../errors.ts'
import type { AlterConfigsAnswer } from '../configs/alter-configs.ts'
import { changedNames, type ConfigChanges } from '../configs/config-changes.ts'
import type { ConfigEntry, ConfigType } from '../configs/config-entry.ts'
import { refusedName } from '../configs/refused-name.ts'

/** A config that may not be changed so. The reason is ours, and may be shown to the caller. */
export class ConfigRefused extends Error {
  readonly code: ProblemCode
  /** Undefined where Kafka did not let on which. */
  readonly config: string | undefined

  constructor(code: ProblemCode, config: string | undefined, reason: string, cause?: unknown) {
    super(reason, { cause })
    this.name = 'ConfigRefused'
    this.code = code
    this.config = config
  }
}

/** What the names of one listener's own configs begin with. */
const LISTENER = 'listener.name.'

const expectations: Partial<Record<ConfigType, string>> = {
  boolean: 'expected true or false',
  int: 'expected a whole number within what Kafka takes for it',
  short: 'expected a whole number within what Kafka takes for it',
  long: 'expected a whole number within what Kafka takes for it',
  double: 'expected a number within what Kafka takes for it',
  list: 'expected a list separated by commas of what Kafka takes for it',
}

/** Pools of threads: Kafka changes them by half and double at the most (KIP-226). */
const threads = new Set([
  'background.threads',
  'log.cleaner.threads',
  'num.io.threads',
  'num.network.threads',
  'num.recovery.threads.per.data.dir',
  'num.replica.fetchers',
])

/**
 * The configs that a change names. Kafka takes any name for a broker's, and would say nothing of a misspelt one.
 * @throws ConfigRefused
 */
export function checkChanges(
  known: readonly ConfigEntry[],
  changes: ConfigChanges,
  target: number | undefined,
): ConfigEntry[] {
  const byName = new Map(known.map((entry) => [entry.name, entry]))
  return changedNames(changes).map((name) => {
    const entry = byName.get(name) ?? ofListener(name, byName)
    if (entry === undefined) {
      throw new ConfigRefused('invalid_config', name, 'Kafka has no broker config of this name')
    }
    if (entry.readOnly) {
      const reason = 'it is read only: Kafka reads it when a broker starts'
      throw new ConfigRefused('read_only_config', name, reason)
    }
    if (!changes.set.has(name) && entry.type !== 'list') {
      throw new ConfigRefused('invalid_config', name, 'it is not a list, so nothing can be added or removed')
    }
    if (target === undefined && name.startsWith(LISTENER)) throw perBroker(name)
    return entry
  })
}

/** One listener's own `ssl.keystore.location` or the like, which is not known before it is set (KIP-226). */
function ofListener(name: string, known: ReadonlyMap<string, ConfigEntry>): ConfigEntry | undefined {
  if (!name.startsWith(LISTENER)) return undefined
  const words = name.slice(LISTENER.length).split('.')
  for (let i = 1; i < words.length; i++) {
    const entry = known.get(words.slice(i).join('.'))
    if (entry !== undefined) return { ...entry, name, value: null, default: true, origins: [] }
  }
  return undefined
}

function perBroker(name: string): ConfigRefused {
  return new ConfigRefused('invalid_config', name, 'it is set for each broker by itself, not for all')
}

/** Why Kafka did not make a change. */
export function refusal(
  { errorCode, errorMessage }: AlterConfigsAnswer,
  named: readonly ConfigEntry[],
  target: number | undefined,
): Error {
  // The sentence repeats values, which may be secret.
  const cause = named.some(({ sensitive }) => sensitive) ? undefined : errorMessage
  if (errorCode !== KafkaCode.INVALID_CONFIG && errorCode !== KafkaCode.INVALID_REQUEST) {
    return problemFromKafkaCode(errorCode, undefined, cause)
  }
  const name = refusedName(
    named.map((entry) => entry.name),
    errorMessage,
  )
  const entry = named.find((e) => e.name === name)
  if (entry === undefined)
    return new ConfigRefused('invalid_config', undefined, 'Kafka refused one of these', cause)
  const text = errorMessage ?? ''
  if (target === undefined && /default cluster level/i.test(text)) return perBroker(entry.name)
  return new ConfigRefused('invalid_config', entry.name, reasonOf(entry, text), cause)
}

function reasonOf({ name, type }: ConfigEntry, text: string): string {
  if (/only per-listener/i.test(text))
    return `it is set for each listener by itself, as ${LISTENER}NAME.${name}`
  if (threads.has(name)) return 'Kafka changes this number to between half and double of what it is, at once'
  return expectations[type] ?? 'not a value Kafka takes'
}
