import { setTimeout as pause } from 'node:timers/promises'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { UsageError } from '../errors.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { Progress } from '../output/progress.ts'
import { bytesText, parseBytes, parseCount, plural } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { brokerList } from '../topics/assignments.ts'

/** How often the gateway is asked how far it is, ms. */
const FOLLOW_MS = 1_000

export interface ReassignmentsOptions {
  readonly topic?: string
  readonly partition?: string
  readonly follow?: boolean
  readonly cancel?: boolean
  readonly yes?: boolean
  readonly dryRun?: boolean
}

export interface ReassignOptions {
  readonly brokers?: string
  readonly partition?: string
  readonly replicas?: string
  readonly replicationFactor?: string
  readonly throttle?: string
  readonly follow?: boolean
  readonly yes?: boolean
  readonly dryRun?: boolean
}

interface Reassignment extends Part {
  readonly topic: string
  readonly partition: number
  readonly replicas: readonly number[]
  readonly adding: readonly number[]
  readonly removing: readonly number[]
  readonly copiedBytes?: number | null
  readonly leaderBytes?: number | null
}

interface Move extends Part {
  readonly topic: string
  readonly partition: number
  readonly from: readonly number[]
  readonly to: readonly number[]
}

interface Moves {
  readonly assignments?: readonly Move[]
  readonly results?: readonly Move[]
  readonly dryRun: boolean
}

export async function reassignments(context: Context, options: ReassignmentsOptions): Promise<void> {
  const { topic, follow, cancel } = options
  const partition = options.partition === undefined ? undefined : parseCount(options.partition, '--partition')
  if (cancel === true) return cancelThem(context, options, { topic, partition })
  if (follow === true) return followThem(context, { topic, partition })
  const body = await underWay(context, { topic, partition })
  await context.print(body, () =>
    table(
      body.reassignments,
      [
        { title: 'TOPIC', value: (row) => row.topic },
        { title: 'PARTITION', value: (row) => row.partition, right: true },
        { title: 'REPLICAS', value: (row) => row.replicas.join(',') },
        { title: 'ADDING', value: (row) => row.adding.join(',') },
        { title: 'REMOVING', value: (row) => row.removing.join(',') },
        { title: 'COPIED', value: (row) => bytesText(row.copiedBytes), right: true },
        { title: 'OF', value: (row) => bytesText(row.leaderBytes), right: true },
      ],
      context.style,
    ),
  )
}

/** `sluice topics reassign`. */
export async function reassign(
  context: Context,
  options: ReassignOptions,
  topics: readonly string[],
): Promise<void> {
  const { throttle, yes, dryRun = false, follow } = options
  const body = {
    ...wantedOf(options, topics),
    ...(throttle !== undefined && { throttleBytesPerSecond: parseBytes(throttle) }),
  }
  const ask = async (dry: boolean) =>
    (await context.gateway.json<Moves>('POST', '/v1/reassignments', { body: { ...body, dryRun: dry } })).body
  let moves = await ask(true)
  const planned = movesOf(moves)
  if (!dryRun) {
    if (yes !== true && process.stderr.isTTY === true) process.stderr.write(moveTable(context, planned))
    await confirm(`Move ${plural(planned.length, 'partition')}`, { yes })
    moves = await ask(false)
  }
  noteParts(movesOf(moves))
  await context.print(moves, () => moveTable(context, movesOf(moves)))
  if (follow === true && !dryRun) for (const topic of topics) await followThem(context, { topic })
}

/** @throws UsageError */
function wantedOf(
  { brokers, replicationFactor, partition, replicas }: ReassignOptions,
  topics: readonly string[],
): object {
  if (partition !== undefined || replicas !== undefined) {
    if (partition === undefined || replicas === undefined || topics.length !== 1 || brokers !== undefined)
      throw new UsageError('--partition and --replicas go together, for one topic, without --brokers')
    const to = brokerList(replicas, '--replicas')
    return {
      assignments: [{ topic: topics[0], partition: parseCount(partition, '--partition'), replicas: to }],
    }
  }
  if (brokers === undefined)
    throw new UsageError('say where to: --brokers 1,2,3, or --partition and --replicas')
  return {
    topics,
    brokers: brokerList(brokers, '--brokers'),
    ...(replicationFactor !== undefined && {
      replicationFactor: parseCount(replicationFactor, '--replication-factor', 1),
    }),
  }
}

async function cancelThem(
  context: Context,
  { yes, dryRun = false }: ReassignmentsOptions,
  query: { topic?: string | undefined; partition?: number | undefined },
): Promise<void> {
  const { reassignments: found } = await underWay(context, query)
  if (!dryRun) await confirm(`Cancel the reassignment of ${plural(found.length, 'partition')}`, { yes })
  const { body } = await context.gateway.json<{
    results?: readonly (Part & { topic: string; partition: number })[]
  }>('DELETE', '/v1/reassignments', { query: { ...query, dryRun } })
  noteParts(body.results ?? [])
  await context.print(body, () => '')
  context.say(`${dryRun ? 'Would cancel' : 'Cancelled'} ${plural(found.length, 'reassignment')}.`)
}

/** Waits until no replica is on its way any more. */
async function followThem(
  context: Context,
  query: { topic?: string | undefined; partition?: number | undefined },
): Promise<void> {
  const progress = new Progress(!context.quiet)
  let left = (await underWay(context, query)).reassignments
  const total = left.length
  progress.start(() => {
    const copied = left.reduce((sum, { copiedBytes }) => sum + (copiedBytes ?? 0), 0)
    return `${plural(left.length, 'partition')} of ${total} on the way, ${bytesText(copied)} copied`
  })
  while (left.length > 0) {
    await pause(FOLLOW_MS)
    left = (await underWay(context, query)).reassignments
  }
  progress.end()
  context.say(total === 0 ? 'Nothing is on the way.' : `Moved ${plural(total, 'partition')}.`)
}

async function underWay(
  context: Context,
  query: { topic?: string | undefined; partition?: number | undefined },
): Promise<{ readonly reassignments: readonly Reassignment[] }> {
  return (
    await context.gateway.json<{ reassignments: readonly Reassignment[] }>('GET', '/v1/reassignments', {
      query,
    })
  ).body
}

function movesOf({ assignments, results }: Moves): readonly Move[] {
  return results ?? assignments ?? []
}

function moveTable(context: Context, moves: readonly Move[]): string {
  return table(
    moves,
    [
      { title: 'TOPIC', value: (row) => row.topic },
      { title: 'PARTITION', value: (row) => row.partition, right: true },
      { title: 'FROM', value: (row) => row.from.join(',') },
      { title: 'TO', value: (row) => row.to.join(',') },
      ...errorColumns(moves),
    ],
    context.style,
  )
}
