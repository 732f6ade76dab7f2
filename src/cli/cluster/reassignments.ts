import { setTimeout as pause } from 'node:timers/promises'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { CommandError, exitCodes, GatewayError, UsageError } from '../errors.ts'
import { errorColumns, noteParts, type Part } from '../output/parts.ts'
import { Progress } from '../output/progress.ts'
import { bytesText, parseBytes, parseCount, plural } from '../output/quantities.ts'
import { table } from '../output/table.ts'
import { tellUnanswered } from '../pages.ts'
import { brokerList } from '../topics/assignments.ts'

/** How often the gateway is asked how far it is, ms. */
const FOLLOW_MS = 1_000

/** How long following outlasts a gateway or a Kafka that is away, ms. */
const PATIENCE_MS = 60_000

export interface ReassignmentsOptions {
  readonly topic?: string
  readonly partition?: string
  readonly follow?: boolean
  readonly cancel?: boolean
  readonly unthrottle?: boolean
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
  readonly results: readonly Move[]
  readonly dryRun: boolean
}

interface RemovedThrottle {
  readonly topics: readonly string[]
  readonly brokers: readonly number[]
  /** Brokers that may have a rate still. */
  readonly unanswered: readonly number[]
  readonly dryRun: boolean
}

export async function reassignments(context: Context, options: ReassignmentsOptions): Promise<void> {
  const { topic, follow, cancel, unthrottle } = options
  if (unthrottle === true) {
    const removed = await removeThrottle(context, options.dryRun)
    if (context.json) await context.print(removed, () => '')
    return
  }
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

/** `sluice topics reassign`: shows the plan, and does what it showed. */
export async function reassign(
  context: Context,
  options: ReassignOptions,
  topics: readonly string[],
): Promise<void> {
  const { throttle, yes, dryRun = false, follow } = options
  const rate = throttle === undefined ? {} : { throttleBytesPerSecond: parseBytes(throttle) }
  const post = async (body: object) =>
    (await context.gateway.json<Moves>('POST', '/v1/reassignments', { body })).body
  let moves = await post({ ...wantedOf(options, topics), ...rate, dryRun: true })
  const planned = movesOf(moves)
  if (!dryRun && planned.length > 0) {
    if (yes !== true && process.stderr.isTTY === true) process.stderr.write(moveTable(context, planned))
    await confirm(`Move ${plural(planned.length, 'partition')}`, { yes })
    const assignments = planned.map(({ topic, partition, to }) => ({ topic, partition, replicas: to }))
    moves = await post({ assignments, ...rate })
  }
  noteParts(moves.results)
  await context.print(moves, () => moveTable(context, movesOf(moves)))
  if (planned.length === 0) context.say('All is in place already.')
  if (follow !== true || dryRun || planned.length === 0) return
  try {
    for (const topic of topics) await followThem(context, { topic })
    // Kafka keeps a throttle for ever, which slows replicas that fall behind later.
    if (throttle !== undefined) await removeThrottle(context)
  } catch (error) {
    if (throttle === undefined || !(error instanceof CommandError)) throw error
    const hint =
      'The copying goes on, and the throttle stays: once it is done, take it off with `sluice cluster reassignments --unthrottle`.'
    throw error instanceof GatewayError
      ? new GatewayError(error.problem, { hint })
      : new CommandError(error.exitCode, error.message, { hint })
  }
}

async function removeThrottle(context: Context, dryRun = false): Promise<RemovedThrottle> {
  const { body } = await context.gateway.json<RemovedThrottle>('DELETE', '/v1/reassignments/throttle', {
    query: { dryRun },
  })
  const { unanswered } = body
  tellUnanswered(context, body, 'a rate that it has stays')
  if (dryRun) context.say(`Would take the throttle off ${throttledText(body)}.`)
  else if (unanswered.length === 0) context.say('Nothing is throttled any more.')
  else process.exitCode = exitCodes.partly
  return body
}

function throttledText({ topics, brokers }: RemovedThrottle): string {
  if (topics.length === 0 && brokers.length === 0) return 'nothing'
  return `${plural(topics.length, 'topic')} and ${plural(brokers.length, 'broker')}`
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
  return {
    topics,
    ...(brokers !== undefined && { brokers: brokerList(brokers, '--brokers') }),
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
  const cancel = async (dry: boolean) =>
    (await context.gateway.json<Moves>('DELETE', '/v1/reassignments', { query: { ...query, dryRun: dry } }))
      .body
  let cancelled = await cancel(true)
  if (!dryRun) {
    await confirm(`Cancel the reassignment of ${plural(cancelled.results.length, 'partition')}`, { yes })
    cancelled = await cancel(false)
  }
  noteParts(cancelled.results)
  await context.print(cancelled, () => moveTable(context, cancelled.results))
}

/** Waits until no replica is on its way any more. */
async function followThem(
  context: Context,
  query: { topic?: string | undefined; partition?: number | undefined },
): Promise<void> {
  const ask = async () => (await outlast(() => underWay(context, query))).reassignments
  const progress = new Progress(!context.quiet)
  let left = await ask()
  const total = left.length
  try {
    progress.start(() => {
      const copied = left.reduce((sum, { copiedBytes }) => sum + (copiedBytes ?? 0), 0)
      return `${plural(left.length, 'partition')} of ${total} on the way, ${bytesText(copied)} copied`
    })
    while (left.length > 0) {
      await pause(FOLLOW_MS)
      left = await ask()
    }
  } finally {
    progress.end()
  }
  context.say(total === 0 ? 'Nothing is on the way.' : `Moved ${plural(total, 'partition')}.`)
}

/** Asks again while there is no answer just now, for as long as following is patient. */
async function outlast<T>(ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      const passing = error instanceof CommandError && error.exitCode === exitCodes.unavailable
      if (!passing || performance.now() >= until) throw error
      await pause(FOLLOW_MS)
    }
  }
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

/** Those that are not in place already. */
function movesOf({ results }: Moves): readonly Move[] {
  return results.filter(({ from, to, error }) => error !== undefined || from.join() !== to.join())
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
