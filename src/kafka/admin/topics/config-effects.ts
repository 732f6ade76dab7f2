import { type ConfigChanges, listOf } from '../configs/config-changes.ts'
import type { TopicConfig } from './topic-configs.ts'

export interface ConfigEffect {
  readonly name: string
  /** Null where it is not set, and where the gateway may not see it. */
  readonly before: string | null
  /** Null for the default, and where items change of a list that the gateway may not see. */
  readonly after: string | null
}

/** What each change leaves of a config. */
export function configEffects(
  { set, append, subtract }: ConfigChanges,
  configs: readonly TopicConfig[] | null,
): ConfigEffect[] {
  const values = new Map(configs?.map(({ name, value }) => [name, value]))
  const effect = (name: string, change: (items: readonly string[]) => readonly string[]): ConfigEffect => {
    const before = values.get(name)
    if (before === undefined) return { name, before: null, after: null }
    return { name, before, after: change(listOf(before)).join(',') }
  }
  return [
    ...[...set].map(([name, after]) => ({ name, before: values.get(name) ?? null, after })),
    ...[...append].map(([name, more]) => effect(name, (items) => [...new Set([...items, ...more])])),
    ...[...subtract].map(([name, less]) =>
      effect(name, (items) => items.filter((item) => !less.includes(item))),
    ),
  ]
}

/** Whether configs as a broker shows them have been changed so. One that it does not list, it never will. */
export function areShown({ set, append, subtract }: ConfigChanges, configs: readonly TopicConfig[]): boolean {
  const shown = new Map(configs.map((config) => [config.name, config]))
  const isSet = ([name, value]: [string, string | null]) => {
    const config = shown.get(name)
    if (config === undefined) return true
    const isOwn = config.source === 'topic'
    return value === null ? !isOwn : isOwn && plain(config.value ?? '') === plain(value)
  }
  const has = (name: string, item: string) => listOf(shown.get(name)?.value).includes(item)
  return (
    [...set].every(isSet) &&
    [...append].every(([name, more]) => more.every((item) => has(name, item))) &&
    [...subtract].every(([name, less]) => !less.some((item) => has(name, item)))
  )
}

/** Kafka trims values and the items of lists, and writes true in small letters. */
function plain(value: string): string {
  return value.replaceAll(/\s/g, '').toLowerCase()
}
