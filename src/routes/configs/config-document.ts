import { z } from 'zod'
import { type ConfigEntry, configSources, configTypes } from '../../kafka/admin/configs/config-entry.ts'

const value = z.string().nullable()

const source = z
  .enum(configSources)
  .describe(
    'Where the value comes from: set on the `topic`; on one `broker` while it runs; on the `cluster`, for all brokers ' +
      "while they run; in the brokers' configuration `file`; Kafka's own `default`.",
  )

export const exampleConfig = {
  name: 'log.retention.ms',
  value: '86400000',
  source: 'broker' as const,
  default: false,
  readOnly: false,
  sensitive: false,
  type: 'long' as const,
  origins: [
    { name: 'log.retention.ms', value: '86400000', source: 'broker' as const },
    { name: 'log.retention.hours', value: '168', source: 'default' as const },
  ],
}

export const BrokerConfig = z
  .strictObject({
    name: z.string(),
    value: value.describe('Null where it is sensitive or not set.'),
    source,
    default: z.boolean().describe("Whether it is Kafka's own default."),
    readOnly: z
      .boolean()
      .describe('Whether it can only be set in the configuration file, before the broker starts.'),
    sensitive: z.boolean().describe('Whether it is a secret: its value is never told.'),
    type: z.enum(configTypes),
    origins: z
      .array(z.strictObject({ name: z.string(), value, source }).meta({ id: 'ConfigOrigin' }))
      .describe(
        'Each place where it is set, by whichever name: the one in force first, then those it hides.',
      ),
  })
  .meta({ id: 'BrokerConfig', example: exampleConfig })

export function toConfigDocuments(entries: readonly ConfigEntry[]): z.input<typeof BrokerConfig>[] {
  return entries.map((entry) => ({ ...entry, origins: entry.origins.map((origin) => ({ ...origin })) }))
}
