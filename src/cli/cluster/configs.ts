import type { Context } from '../context.ts'
import { parseCount } from '../output/quantities.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import { type ConfigChanges, configChanges } from '../topics/assignments.ts'
import type { ConfigDocument } from '../topics/documents.ts'

export interface ConfigChangeOptions extends ConfigChanges {
  readonly dryRun?: boolean
}

interface ConfigList {
  readonly configs: readonly ConfigDocument[]
}

export async function showConfigs(
  context: Context,
  { name, all = false }: { readonly name?: readonly string[]; readonly all?: boolean },
  broker: string | undefined,
): Promise<void> {
  const { body } = await context.gateway.json<ConfigList>('GET', pathOf(broker), { query: { name } })
  const shown = all || name !== undefined ? body.configs : body.configs.filter((config) => !config.default)
  await context.print(body, () => configTable(shown, context.style))
}

export async function alterConfigs(
  context: Context,
  options: ConfigChangeOptions,
  broker: string | undefined,
): Promise<void> {
  const { dryRun = false } = options
  const change = configChanges(options)
  const { body } = await context.gateway.json<ConfigList>('PATCH', pathOf(broker), {
    body: { ...change, validateOnly: dryRun },
  })
  await context.print(body, () => configTable(body.configs, context.style))
  const whom = broker === undefined ? 'all brokers' : `broker ${broker}`
  context.say(dryRun ? `Kafka would have it so for ${whom}.` : `Changed for ${whom}.`)
}

/** @throws UsageError */
function pathOf(broker: string | undefined): string {
  return broker === undefined
    ? '/v1/cluster/configs'
    : `/v1/brokers/${parseCount(broker, 'a broker')}/configs`
}

/** Configs with where their values come from. */
export function configTable(configs: readonly ConfigDocument[], style: Style): string {
  return table(
    configs,
    [
      { title: 'CONFIG', value: ({ name }) => name },
      { title: 'VALUE', value: ({ value, sensitive }) => (sensitive === true ? '(hidden)' : value) },
      { title: 'FROM', value: ({ source }) => source },
    ],
    style,
  )
}
