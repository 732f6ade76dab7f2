import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { bytesText, parseBytes } from '../output/quantities.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import { allPages } from '../pages.ts'

export interface QuotaOptions {
  readonly user?: string
  readonly clientId?: string
  readonly ip?: string
  readonly produce?: string
  readonly consume?: string
  readonly requests?: string
  readonly mutations?: string
  readonly connections?: string
  readonly dryRun?: boolean
}

interface QuotaEntry extends Part {
  readonly entity: {
    readonly user?: string | null
    readonly clientId?: string | null
    readonly ip?: string | null
  }
  readonly quotas: Readonly<Record<string, number | null | undefined>>
}

export async function listQuotas(context: Context, { user, clientId, ip }: QuotaOptions): Promise<void> {
  const entries = await allPages<QuotaEntry>(context, '/v1/quotas', 'entries', { user, clientId, ip })
  await context.print({ entries }, () => quotaTable(entries, context.style))
}

export async function setQuotas(context: Context, options: QuotaOptions): Promise<void> {
  const { user, clientId, ip, produce, consume, requests, mutations, connections, dryRun = false } = options
  const named = (name: string, value: string | undefined) =>
    value === undefined ? {} : { [name]: value === '' ? null : value }
  const entity = { ...named('user', user), ...named('clientId', clientId), ...named('ip', ip) }
  if (Object.keys(entity).length === 0) throw new UsageError('say for whom: --user, --client-id or --ip')
  const quotas = {
    ...quota('producerByteRate', produce, parseBytes),
    ...quota('consumerByteRate', consume, parseBytes),
    ...quota('requestPercentage', requests, numberOf),
    ...quota('controllerMutationRate', mutations, numberOf),
    ...quota('connectionCreationRate', connections, numberOf),
  }
  if (Object.keys(quotas).length === 0)
    throw new UsageError('nothing to change', 'Add --help to see what can be.')
  const { body } = await context.gateway.json<{ results: readonly QuotaEntry[] }>('PATCH', '/v1/quotas', {
    body: { entries: [{ entity, quotas }], validateOnly: dryRun },
  })
  noteParts(body.results)
  await context.print(body, () => quotaTable(body.results, context.style))
  context.say(dryRun ? 'Kafka would set it so.' : 'Set.')
}

function quota(name: string, text: string | undefined, parse: (text: string) => number): object {
  if (text === undefined) return {}
  return { [name]: text === 'none' ? null : parse(text) }
}

/** @throws UsageError */
function numberOf(text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`${text} is no number`)
  return Number(text)
}

function quotaTable(entries: readonly QuotaEntry[], style: Style): string {
  const name = (text: string | null | undefined) => (text === null ? '(default)' : text)
  return table(
    entries,
    [
      { title: 'USER', value: ({ entity }) => name(entity.user) },
      { title: 'CLIENT ID', value: ({ entity }) => name(entity.clientId) },
      { title: 'IP', value: ({ entity }) => name(entity.ip) },
      { title: 'PRODUCE/S', value: ({ quotas }) => bytesText(quotas.producerByteRate), right: true },
      { title: 'CONSUME/S', value: ({ quotas }) => bytesText(quotas.consumerByteRate), right: true },
      { title: 'REQUESTS %', value: ({ quotas }) => quotas.requestPercentage, right: true },
      { title: 'MUTATIONS/S', value: ({ quotas }) => quotas.controllerMutationRate, right: true },
      { title: 'CONNECTIONS/S', value: ({ quotas }) => quotas.connectionCreationRate, right: true },
      ...errorColumns(entries),
    ],
    style,
  )
}
