import type { Codec } from '../kafka/wire/compress.ts'
import type { Acks } from '../kafka/wire/produce.ts'

/** How records of a topic are written where the request doesn't say. */
export interface WriteDefaults {
  readonly acks: Acks
  readonly compression: Codec
  /** Milliseconds. */
  readonly timeoutMs: number
}

/** What is different for the topics of one name, or of all that begin with a prefix (`logs-*`). */
export interface TopicRule {
  readonly topics: string
  readonly acks?: Acks
  readonly compression?: Codec
  readonly timeoutMs?: number
}

const readers: Readonly<Record<string, (value: string) => Omit<TopicRule, 'topics'> | undefined>> = {
  acks: (value) => (value === 'all' || value === '1' ? { acks: value } : undefined),
  compression: (value) => (isCodec(value) ? { compression: value } : undefined),
  timeout: (value) =>
    /^\d{3,6}$/.test(value) && Number(value) >= 100 && Number(value) <= 300_000
      ? { timeoutMs: Number(value) }
      : undefined,
}

/** The names of `Codec`. This module is read before the Kafka client is loaded. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly Codec[]

function isCodec(value: string): value is Codec {
  return codecNames.some((name) => name === value)
}

/** Reads `logs-*: acks=1, compression=lz4; audit: timeout=30000`; undefined where it isn't of that form. */
export function parseTopicRules(text: string): TopicRule[] | undefined {
  const rules: TopicRule[] = []
  for (const part of text.split(';')) {
    if (part.trim() === '') continue
    const match = /^\s*([A-Za-z0-9._-]+\*?|\*)\s*:(.+)$/.exec(part)
    if (match === null) return undefined
    let rule: TopicRule = { topics: match[1]! }
    for (const setting of match[2]!.split(',')) {
      const [name = '', value = '', ...rest] = setting.split('=').map((side) => side.trim())
      const read = Object.hasOwn(readers, name) && rest.length === 0 ? readers[name]!(value) : undefined
      if (read === undefined) return undefined
      rule = { ...rule, ...read }
    }
    rules.push(rule)
  }
  return rules
}

/** Topics whose defaults are remembered; past it they are worked out anew. */
const MAX_REMEMBERED = 10_000

/** How records are written to each topic: by the first rule that its name fits, and as everywhere for the rest. */
export class TopicDefaults {
  /** Where no rule says otherwise. */
  readonly general: WriteDefaults
  readonly #rules: readonly TopicRule[]
  readonly #remembered = new Map<string, WriteDefaults>()

  constructor(general: WriteDefaults, rules: readonly TopicRule[]) {
    this.general = general
    this.#rules = rules
  }

  of(topic: string): WriteDefaults {
    if (this.#rules.length === 0) return this.general
    let found = this.#remembered.get(topic)
    if (found === undefined) {
      found = this.#find(topic)
      if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
      this.#remembered.set(topic, found)
    }
    return found
  }

  #find(topic: string): WriteDefaults {
    const rule = this.#rules.find(({ topics }) =>
      topics.endsWith('*') ? topic.startsWith(topics.slice(0, -1)) : topic === topics,
    )
    const { acks, compression, timeoutMs } = this.general
    return {
      acks: rule?.acks ?? acks,
      compression: rule?.compression ?? compression,
      timeoutMs: rule?.timeoutMs ?? timeoutMs,
    }
  }
}
