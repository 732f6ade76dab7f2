import type { PartitionLog, Seen } from './history.ts'

/** What must not be, counted. */
export interface Faults {
  /** In the log, and never delivered. */
  lost: number
  /** Passed over: a consumer goes on behind records that it, or its group, has not had. */
  skipped: number
  /** Delivered again or out of order on one connection, or of a partition that was not assigned to it. */
  disordered: number
  /** Delivered with another value than the log has at that offset. */
  altered: number
  /** A group's position that went back behind what was confirmed as committed. */
  rewound: number
  /** Acks of a former owner that were committed after another had begun with the partition. */
  double: number
  /** Committed, and never acked. */
  unasked: number
  /** Acked by who has the partition in the end, and not committed. */
  unkept: number
}

export interface Verdict {
  readonly faults: Faults
  /** A sentence for each, the first of them. */
  readonly broken: readonly string[]
}

const MAX_SENTENCES = 20

/** A partition on one connection, from being assigned until it is revoked or the connection's end. */
interface Holding {
  readonly connection: string
  readonly start: number
  next: number
  /** Up to here acked, and confirmed as committed. */
  acked: number
  receipt: number
  ended: boolean
}

/** What a group is known to have done with a partition. */
interface Progress {
  readonly holdings: Holding[]
  acked: number
  receipt: number
}

class Findings implements Verdict {
  readonly faults: Faults = {
    lost: 0,
    skipped: 0,
    disordered: 0,
    altered: 0,
    rewound: 0,
    double: 0,
    unasked: 0,
    unkept: 0,
  }
  readonly broken: string[] = []
  readonly #log: PartitionLog
  readonly #delivered: Uint8Array[]

  constructor(log: PartitionLog) {
    this.#log = log
    this.#delivered = log.map((records) => new Uint8Array(records.length))
  }

  say(fault: keyof Faults, sentence: string): void {
    this.faults[fault]++
    if (this.broken.length < MAX_SENTENCES) this.broken.push(`${fault}: ${sentence}`)
  }

  /** Takes note that records came, in their order or not. */
  took({ connection, partition, offset, values }: Seen & { readonly kind: 'records' }, next: number): void {
    const where = `${connection} was sent ${partition}@${offset}`
    if (offset > next) this.say('skipped', `${where} where ${next} was next`)
    if (offset < next) this.say('disordered', `${where} where ${next} was next`)
    values.forEach((value, n) => {
      const entry = this.#log[partition]?.[offset + n]
      if (entry?.value !== value) {
        this.say(
          'altered',
          `${connection} was sent ${partition}@${offset + n} as ${value}, not ${entry?.value}`,
        )
      } else this.#delivered[partition]![offset + n] = 1
    })
  }

  /** To be called last, with who should have had everything. */
  missing(who: string): void {
    this.#delivered.forEach((delivered, partition) => {
      for (let offset = delivered.indexOf(0); offset >= 0; offset = delivered.indexOf(0, offset + 1)) {
        this.say('lost', `${partition}@${offset} never came to ${who}`)
      }
    })
  }
}

/**
 * Holds what the members of one group saw, who ack by themselves and began with an empty topic, against the log and
 * against what the group has committed in the end: every record came to one of them, each owner of a partition had it in
 * order from where the group had confirmed, nothing but what was acked is committed, and what was confirmed stays so.
 */
export function judgeGroup(
  history: readonly Seen[],
  log: PartitionLog,
  committed?: readonly number[],
): Verdict {
  const findings = new Findings(log)
  const group: Progress[] = log.map(() => ({ holdings: [], acked: 0, receipt: 0 }))
  const held = (connection: string, partition: number) =>
    group[partition]!.holdings.findLast((holding) => holding.connection === connection && !holding.ended)
  for (const seen of history) {
    const { connection, kind } = seen
    if (kind === 'closed') {
      for (const { holdings } of group)
        for (const holding of holdings) if (holding.connection === connection) holding.ended = true
      continue
    }
    const { partition } = seen
    const own = held(connection, partition)
    if (kind === 'assigned') {
      if (own !== undefined) findings.say('disordered', `${connection} was assigned ${partition} twice`)
      begin(findings, group[partition]!, seen)
    } else if (own === undefined) {
      if (kind !== 'acked') findings.say('disordered', `${connection}: ${kind} of ${partition}, not its own`)
    } else if (kind === 'revoked') own.ended = true
    else if (kind === 'records') {
      findings.took(seen, own.next)
      own.next = seen.offset + seen.values.length
    } else if (kind === 'acked') {
      own.acked = Math.max(own.acked, seen.offset)
      group[partition]!.acked = Math.max(group[partition]!.acked, seen.offset)
    } else confirm(findings, group[partition]!, own, seen)
  }
  committed?.forEach((offset, partition) => {
    const { acked, receipt, holdings } = group[partition]!
    const last = holdings.at(-1)
    const at = `${partition} is committed at ${offset} in the end`
    if (offset < receipt) findings.say('rewound', `${at}, was confirmed at ${receipt}`)
    if (offset > acked) findings.say('unasked', `${at}, acked up to ${acked}`)
    if (offset < (last?.acked ?? 0))
      findings.say('unkept', `${at}, ${last!.connection} acked up to ${last!.acked}`)
  })
  findings.missing('the group')
  return findings
}

type Position = Seen & { readonly kind: 'assigned' | 'acked' | 'committed' }

function begin(findings: Findings, progress: Progress, { connection, partition, offset }: Position): void {
  const at = `${connection} begins with ${partition}@${offset}`
  if (offset > progress.acked) findings.say('skipped', `${at}, nobody acked past ${progress.acked}`)
  if (offset < progress.receipt) findings.say('rewound', `${at}, confirmed was ${progress.receipt}`)
  progress.holdings.push({
    connection,
    start: offset,
    next: offset,
    acked: offset,
    receipt: -1,
    ended: false,
  })
}

function confirm(
  findings: Findings,
  progress: Progress,
  own: Holding,
  { connection, partition, offset }: Position,
): void {
  const at = `${connection}: ${partition} was committed at ${offset}`
  if (offset > own.acked) findings.say('unasked', `${at}, acked up to ${own.acked}`)
  if (offset <= own.receipt) findings.say('rewound', `${at} after ${own.receipt}`)
  // Whoever came later read the group's position when nobody else could move it any more.
  const later = progress.holdings.slice(progress.holdings.indexOf(own) + 1)
  const other = later.find(({ start }) => start < offset)
  if (other !== undefined)
    findings.say('double', `${at}, where ${other.connection} had begun at ${other.start}`)
  own.receipt = Math.max(own.receipt, offset)
  progress.receipt = Math.max(progress.receipt, offset)
}

/**
 * Holds what one reader saw, who has no group and keeps its position itself, against the log: over all its connections
 * each partition came in order, without a gap and from the first record on.
 */
export function judgeReader(history: readonly Seen[], log: PartitionLog): Verdict {
  const findings = new Findings(log)
  const next = log.map(() => 0)
  for (const seen of history) {
    if (seen.kind === 'records') {
      findings.took(seen, next[seen.partition]!)
      next[seen.partition] = seen.offset + seen.values.length
    } else if (seen.kind === 'assigned' && seen.offset !== next[seen.partition]) {
      const { connection, partition, offset } = seen
      const fault = offset > next[partition]! ? 'skipped' : 'disordered'
      findings.say(fault, `${connection} resumes ${partition} at ${offset}, ${next[partition]} was next`)
    }
  }
  findings.missing(history[0]?.client ?? 'a reader that saw nothing')
  return findings
}
