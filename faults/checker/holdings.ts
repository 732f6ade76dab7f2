import type { HistoryEvent, Sight } from '../history/events.ts'
import type { Findings } from './findings.ts'
import { type Log, partitionOf } from './log.ts'

type Seen = HistoryEvent & Sight

/** A partition on one connection, from being assigned until it is revoked or the connection's end. Positions are ranks. */
interface Holding {
  readonly connection: string
  readonly start: number
  next: number
  /** Up to here acked, and confirmed as committed. */
  acked: number
  receipt: number
  hasEnded: boolean
}

/** What a group is known to have done with a partition. */
interface Progress {
  readonly holdings: Holding[]
  acked: number
  receipt: number
}

/**
 * Holds what the members of one group saw, who ack by themselves and began at the start, against the log and against
 * what the group has committed in the end: each owner of a partition had it in order from where the group had confirmed,
 * nothing but what was acked is committed, and what was confirmed stays so.
 */
export function checkGroup(
  history: readonly Seen[],
  log: Log,
  committed: ReadonlyMap<string, number> | undefined,
  findings: Findings,
): void {
  const group = new Map<string, Progress>()
  const progressOf = (partition: string) => {
    const own = group.get(partition) ?? { holdings: [], acked: 0, receipt: 0 }
    group.set(partition, own)
    return own
  }
  const told = new Set<string>()
  for (const seen of history) {
    const { connection } = seen
    if (seen.f === 'told') {
      if (seen.code === 'position_lost') told.add(connection)
      continue
    }
    if (seen.f === 'closed') {
      for (const { holdings } of group.values())
        for (const holding of holdings) if (holding.connection === connection) holding.hasEnded = true
      continue
    }
    const partition = partitionOf(seen.f === 'poll' ? seen : seen.place)
    const progress = progressOf(partition)
    const own = progress.holdings.findLast((one) => one.connection === connection && !one.hasEnded)
    if (seen.f === 'assigned') {
      if (own !== undefined) findings.say('disordered', `${connection} was assigned ${partition} twice`)
      begin(findings, progress, { connection, partition, rank: log.rank(partition, seen.place.offset) })
    } else if (own === undefined) {
      if (seen.f !== 'acked')
        findings.say('disordered', `${connection}: ${seen.f} of ${partition}, not its own`)
    } else if (seen.f === 'revoked') own.hasEnded = true
    else if (seen.f === 'poll') {
      own.next = took(seen, own.next, log, findings, told.has(connection))
    } else {
      const rank = log.rank(partition, seen.place.offset)
      if (seen.f === 'acked') {
        own.acked = Math.max(own.acked, rank)
        progress.acked = Math.max(progress.acked, rank)
      } else confirm(findings, progress, own, { connection, partition, rank })
    }
  }
  for (const [partition, offset] of committed ?? []) {
    const { acked, receipt, holdings } = progressOf(partition)
    const rank = log.rank(partition, offset)
    const last = holdings.at(-1)
    const at = `${partition} is committed at #${rank} in the end`
    if (rank < receipt) findings.say('rewound', `${at}, was confirmed at #${receipt}`)
    if (rank > acked) findings.say('unasked', `${at}, acked up to #${acked}`)
    if (rank < (last?.acked ?? 0))
      findings.say('unkept', `${at}, ${last!.connection} acked up to #${last!.acked}`)
  }
}

interface Position {
  readonly connection: string
  readonly partition: string
  readonly rank: number
}

function begin(findings: Findings, progress: Progress, { connection, partition, rank }: Position): void {
  const at = `${connection} begins with ${partition}#${rank}`
  if (rank > progress.acked) findings.say('skipped', `${at}, nobody acked past #${progress.acked}`)
  if (rank < progress.receipt) findings.say('rewound', `${at}, confirmed was #${progress.receipt}`)
  progress.holdings.push({ connection, start: rank, next: rank, acked: rank, receipt: -1, hasEnded: false })
}

function confirm(
  findings: Findings,
  progress: Progress,
  own: Holding,
  { connection, partition, rank }: Position,
): void {
  const at = `${connection}: ${partition} was committed at #${rank}`
  if (rank > own.acked) findings.say('unasked', `${at}, acked up to #${own.acked}`)
  if (rank < own.receipt) findings.say('rewound', `${at} after #${own.receipt}`)
  // Whoever came later read the group's position when nobody else could move it any more.
  const later = progress.holdings.slice(progress.holdings.indexOf(own) + 1)
  const other = later.find(({ start }) => start < rank)
  if (other !== undefined)
    findings.say('double', `${at}, where ${other.connection} had begun at #${other.start}`)
  own.receipt = Math.max(own.receipt, rank)
  progress.receipt = Math.max(progress.receipt, rank)
}

/**
 * Holds what one reader saw, who has no group and keeps its position itself, against the log: over all its connections
 * each partition came in order, without a gap and from the first record on.
 */
export function checkReader(history: readonly Seen[], log: Log, findings: Findings): void {
  const next = new Map<string, number>()
  const told = new Set<string>()
  for (const seen of history) {
    const { connection } = seen
    if (seen.f === 'told' && seen.code === 'position_lost') told.add(connection)
    if (seen.f === 'poll') {
      const partition = partitionOf(seen)
      next.set(partition, took(seen, next.get(partition) ?? 0, log, findings, told.has(connection)))
    } else if (seen.f === 'assigned') {
      const partition = partitionOf(seen.place)
      const [rank, own] = [log.rank(partition, seen.place.offset), next.get(partition) ?? 0]
      if (rank === own) continue
      const kind = rank > own ? 'skipped' : 'disordered'
      if (kind === 'skipped' && told.has(connection)) next.set(partition, rank)
      else findings.say(kind, `${connection} resumes ${partition} at #${rank}, #${own} was next`)
    }
  }
}

/** Takes records that came where the one of a rank was next; returns which is next then. */
function took(
  seen: Seen & { readonly f: 'poll' },
  next: number,
  log: Log,
  findings: Findings,
  isTold: boolean,
): number {
  const { connection, records } = seen
  const partition = partitionOf(seen)
  for (const [offset, id, digest] of records) {
    const where = `${connection} was sent ${partition}@${offset}`
    const entry = log.at(partition, offset)
    if (entry?.id !== id) {
      findings.say('inconsistent', `${where} as ${id}, the log has ${entry?.id}`)
      continue
    }
    if (entry.digest !== digest) findings.say('altered', `${where}, ${id}, not as the log has it`)
    const rank = log.rank(partition, offset)
    if (rank > next && !isTold) findings.say('skipped', `${where}, #${rank} where #${next} was next`)
    if (rank < next) findings.say('disordered', `${where}, #${rank} where #${next} was next`)
    next = rank + 1
  }
  return next
}
