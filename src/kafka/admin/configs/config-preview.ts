import { type ConfigChanges, listOf } from './config-changes.ts'
import type { ConfigEntry, ConfigSource } from './config-entry.ts'

/** What is set at one level itself, whatever holds there in the end; undefined where nothing is. */
export function ownValue({ name, origins }: ConfigEntry, level: ConfigSource): string | null | undefined {
  return origins.find((origin) => origin.source === level && origin.name === name)?.value
}

/**
 * A config as it will be once the changes are made at a level. A list that is appended to at a level where it is not set
 * begins there as Kafka's own default, not as what a level below says: so Kafka does it.
 */
export function previewOf(entry: ConfigEntry, changes: ConfigChanges, level: ConfigSource): ConfigEntry {
  const { name, sensitive, origins } = entry
  const isOwn = (origin: { name: string; source: ConfigSource }) =>
    origin.source === level && origin.name === name
  const below = origins.filter((origin) => !isOwn(origin))
  const value = changedValue(entry, changes, level)
  if (value === null) {
    const first = below[0]
    const source = first?.source ?? 'default'
    return { ...entry, value: first?.value ?? null, source, default: source === 'default', origins: below }
  }
  const shown = sensitive ? null : value
  const own = { name, value: shown, source: level }
  // What one broker is told stands above what all are told.
  const above = level === 'cluster' ? below.filter(({ source }) => source === 'broker') : []
  const rest = below.filter((origin) => !above.includes(origin))
  const [inForce = own] = above
  return {
    ...entry,
    value: inForce.value,
    source: inForce.source,
    default: false,
    origins: [...above, own, ...rest],
  }
}

/** The value at the level itself; null where none will be set there. */
function changedValue(entry: ConfigEntry, changes: ConfigChanges, level: ConfigSource): string | null {
  const { name, origins } = entry
  const set = changes.set.get(name)
  if (set !== undefined) return set
  const fallback = origins.find(({ source }) => source === 'default')?.value
  const before = listOf(ownValue(entry, level) ?? fallback)
  const removed = new Set(changes.subtract.get(name))
  const added = changes.append.get(name) ?? []
  return [...new Set([...before, ...added])].filter((value) => !removed.has(value)).join(',')
}

/** Whether a config shows a change that was made, as far as it can be seen: sensitive values cannot. */
export function showsChange(entry: ConfigEntry, changes: ConfigChanges, level: ConfigSource): boolean {
  const { name, sensitive } = entry
  const own = ownValue(entry, level)
  const set = changes.set.get(name)
  if (!isInForce(entry)) return false
  if (set === null) return own === undefined
  if (own === undefined) return false
  if (sensitive) return true
  if (set !== undefined) return own === set
  const values = new Set(listOf(own))
  const added = changes.append.get(name) ?? []
  const removed = changes.subtract.get(name) ?? []
  return added.every((value) => values.has(value)) && !removed.some((value) => values.has(value))
}

/**
 * A broker tells what it was told last as soon as it knows, and as the value what it still goes by until it has taken that
 * up, a moment later.
 */
function isInForce({ name, value, sensitive, origins: [first] }: ConfigEntry): boolean {
  return sensitive || first === undefined || first.name !== name || first.value === value
}
