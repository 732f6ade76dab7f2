import { quantile } from '../../bench/harness/statistics.ts'
import type { HistoryEvent, Sight } from '../history/events.ts'
import type { Findings } from './findings.ts'
import { checkGroup, checkReader } from './holdings.ts'
import { type Log, partitionOf } from './log.ts'

type Seen = HistoryEvent & Sight

/** What the consumers of one kind had. */
export interface ConsumerRow {
  readonly consumers: string
  readonly connections: number
  readonly delivered: number
  /** Delivered again, which is what at-least-once allows in a group. */
  readonly repeated: number
  /** From the time a record was sent to when it first came, ms. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly worstMs: number
}

/** Holds what consumers were sent and what they acked against the log, group by group and reader by reader. */
export function checkPolls(
  history: readonly HistoryEvent[],
  log: Log,
  committed: ReadonlyMap<string, ReadonlyMap<string, number>>,
  findings: Findings,
): ConsumerRow[] {
  const sights = history.filter((event): event is Seen => 'connection' in event)
  const sentAt = new Map<string, number>()
  for (const event of history) {
    if (event.f === 'send' && event.type === 'invoke')
      for (const [, id] of event.records) sentAt.set(id, event.at)
  }
  const streams = Map.groupBy(sights, ({ group, client }) => group ?? client)
  const rows = new Map<
    string,
    { connections: Set<string>; delivered: number; repeated: number; delays: number[] }
  >()
  for (const [stream, own] of streams) {
    const { group, client } = own[0]!
    if (group === undefined) checkReader(own, log, findings)
    else checkGroup(own, log, committed.get(group), findings)
    const name = group?.slice(group.indexOf('-') + 1) ?? client.replace(/\d.*$/, '')
    const row = rows.get(name) ?? { connections: new Set(), delivered: 0, repeated: 0, delays: [] }
    rows.set(name, row)
    const had = new Set<string>()
    const partitions = new Set<string>()
    for (const seen of own) {
      row.connections.add(seen.connection)
      if (seen.f === 'assigned') partitions.add(partitionOf(seen.place))
      if (seen.f !== 'poll') continue
      partitions.add(partitionOf(seen))
      for (const [offset, id] of seen.records) {
        row.delivered++
        const place = `${partitionOf(seen)}@${offset}`
        if (had.has(place)) row.repeated++
        else {
          had.add(place)
          const since = sentAt.get(id)
          if (since !== undefined) row.delays.push(seen.at - since)
        }
      }
    }
    unseen(stream, partitions, had, log, findings)
  }
  return [...rows].map(([consumers, { connections, delivered, repeated, delays }]) => {
    delays.sort((a, b) => a - b)
    const at = (share: number) => Math.round(quantile(delays, share) ?? 0)
    const [p50Ms, p99Ms, worstMs] = [at(0.5), at(0.99), at(1)]
    return { consumers, connections: connections.size, delivered, repeated, p50Ms, p99Ms, worstMs }
  })
}

/** Everything that is in the topics that a stream reads has come by it. */
function unseen(
  stream: string,
  partitions: ReadonlySet<string>,
  had: ReadonlySet<string>,
  log: Log,
  findings: Findings,
): void {
  const topics = new Set([...partitions].map((name) => name.slice(0, name.lastIndexOf('/'))))
  if (topics.size === 0) findings.say('unseen', `nothing ever came by ${stream}`)
  for (const [partition, records] of log.partitions) {
    if (!topics.has(records[0]!.topic)) continue
    for (const { offset, id } of records) {
      if (!had.has(`${partition}@${offset}`))
        findings.say('unseen', `${id} at ${partition}@${offset} never came by ${stream}`)
    }
  }
}
