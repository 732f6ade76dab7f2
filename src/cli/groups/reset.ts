import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { GatewayError, type UnknownOffset, UsageError } from '../errors.ts'
import { noteParts } from '../output/parts.ts'
import { parseCount, plural } from '../output/quantities.ts'
import { write } from '../output/stdout.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import { segment } from '../pages.ts'
import { position } from '../positions.ts'
import { changeTable, type OffsetChanges } from './changes.ts'

export interface ResetOptions {
  readonly to?: string
  readonly shiftBy?: string
  readonly like?: string
  readonly topic?: readonly string[]
  readonly yes?: boolean
  readonly dryRun?: boolean
}

/** Shows before and after, asks, and resets what has not changed since it was shown. */
export async function resetGroup(context: Context, options: ResetOptions, group: string): Promise<void> {
  const { yes, dryRun = false } = options
  const path = `/v1/groups/${segment(group)}/offsets`
  const body = { to: targetOf(options), ...placesOf(options.topic ?? []) }
  const etag = dryRun ? undefined : await etagOf(context, path)
  const plan = await context.gateway.json<OffsetChanges>('PUT', path, { body: { ...body, dryRun: true } })
  if (dryRun) return show(context, plan.body)
  if (yes !== true && process.stderr.isTTY === true)
    process.stderr.write(changeTable(plan.body, context.style))
  await confirm(`Reset ${group} in ${plural(plan.body.offsets.length, 'partition')}`, { yes })
  const done = await context.gateway
    .json<OffsetChanges>('PUT', path, {
      body,
      ...(etag !== undefined && { headers: { 'if-match': etag } }),
    })
    .catch((error: unknown) => tellUnknown(context, group, error))
  await show(context, done.body)
}

async function show(context: Context, changes: OffsetChanges): Promise<void> {
  noteParts(changes.offsets)
  await context.print(changes, () => changeTable(changes, context.style))
}

/** Shows what may have been set, where it is not known: a shift that is repeated may shift twice. */
async function tellUnknown({ json, style }: Context, group: string, error: unknown): Promise<never> {
  if (!(error instanceof GatewayError) || error.problem.code !== 'outcome_unknown') throw error
  const { partitions = [] } = error.problem
  if (partitions.length === 0) throw error
  if (!json) await write(unknownTable(partitions, style))
  throw new GatewayError(error.problem, {
    hint: `Set exactly these, each with \`sluice groups reset ${group} --to OFFSET --topic TOPIC:PARTITION\`; do not repeat the shift.`,
  })
}

export function unknownTable(partitions: readonly UnknownOffset[], style: Style): string {
  return table(
    partitions,
    [
      { title: 'TOPIC', value: (row) => row.topic },
      { title: 'PARTITION', value: (row) => row.partition, right: true },
      { title: 'OFFSET', value: (row) => row.offset, right: true },
    ],
    style,
  )
}

/** What the group has committed now; undefined where there is no such group yet. */
async function etagOf({ gateway }: Context, path: string): Promise<string | undefined> {
  try {
    return (await gateway.json('GET', path)).headers.etag
  } catch (error) {
    if (error instanceof GatewayError && error.problem.code === 'group_not_found') return undefined
    throw error
  }
}

/** @throws UsageError */
function targetOf({ to, shiftBy, like }: ResetOptions): unknown {
  const given = [to, shiftBy, like].filter((value) => value !== undefined)
  if (given.length !== 1) throw new UsageError('give one of --to, --shift-by and --like')
  if (like !== undefined) return { group: like }
  if (shiftBy !== undefined) {
    if (!/^[+-]?\d{1,15}$/.test(shiftBy))
      throw new UsageError(`--shift-by is a number of records, not ${shiftBy}`)
    return { shift: Number(shiftBy) }
  }
  const text = position(to!, '--to')
  if (text === 'earliest' || text === 'latest') return text
  if (text.startsWith('-'))
    throw new UsageError(
      `--to ${to} is no place for a group`,
      'To go back by a number of records: --shift-by=-N.',
    )
  if (text.startsWith('@')) return { timestamp: Number(text.slice(1)) }
  return /^\d+$/.test(text) ? { offset: Number(text) } : { timestamp: text }
}

/**
 * Topics, and partitions of topics as Kafka's tool has them: `orders:0,2`.
 * @throws UsageError
 */
function placesOf(texts: readonly string[]): object {
  const whole = texts.filter((text) => !text.includes(':'))
  const partitions = texts
    .filter((text) => text.includes(':'))
    .flatMap((text) => {
      const [topic = '', list = ''] = text.split(':')
      return list.split(',').map((n) => ({ topic, partition: parseCount(n, '--topic TOPIC:PARTITIONS') }))
    })
  return { ...(whole.length > 0 && { topics: whole }), ...(partitions.length > 0 && { partitions }) }
}
