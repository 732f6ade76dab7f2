import type { ConfigAnswer } from '../../wire/config-apis.ts'

/** Where a config's value comes from, by Kafka's `ConfigSource` number. */
const sources = { 1: 'topic', 2: 'broker', 3: 'cluster', 4: 'file', 5: 'default' } as const
export const configSources = [...Object.values(sources), 'other'] as const
export type ConfigSource = (typeof configSources)[number]

/** Kafka's `ConfigDef.Type`. */
const types = {
  1: 'boolean',
  2: 'string',
  3: 'int',
  4: 'short',
  5: 'long',
  6: 'double',
  7: 'list',
  8: 'class',
  9: 'password',
} as const
export const configTypes = [...Object.values(types), 'unknown'] as const
export type ConfigType = (typeof configTypes)[number]

/** One place where a value is set, or would come from. */
export interface ConfigOrigin {
  /** In the brokers' own names, which differ from a topic's. */
  readonly name: string
  /** Null where it is sensitive. */
  readonly value: string | null
  readonly source: ConfigSource
}

/** One config, in force. A sensitive value is never told, not even by Kafka. */
export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly source: ConfigSource
  readonly default: boolean
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly type: ConfigType
  /** The value in force first, then those it hides. */
  readonly origins: readonly ConfigOrigin[]
}

export function toConfigSource(source: number): ConfigSource {
  return sources[source as keyof typeof sources] ?? 'other'
}

/** By name. */
export function toConfigEntries(answers: readonly ConfigAnswer[]): ConfigEntry[] {
  return answers
    .map((answer): ConfigEntry => {
      const { name, isSensitive: sensitive, readOnly, synonyms = [], configType } = answer
      const source = toConfigSource(answer.configSource)
      return {
        name,
        value: sensitive ? null : answer.value,
        source,
        default: source === 'default',
        readOnly,
        sensitive,
        type: types[configType as keyof typeof types] ?? 'unknown',
        origins: synonyms.map((synonym) => ({
          name: synonym.name,
          value: sensitive ? null : synonym.value,
          source: toConfigSource(synonym.source),
        })),
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
