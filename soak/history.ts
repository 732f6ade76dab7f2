/** What a client was told of one record it sent. Values are unique in a run. */
export interface Told {
  readonly value: string
  readonly route: string
  /** The records of one client to one topic keep their order within a partition. */
  readonly client: string
  readonly topic: string
  /** Records that stand or fall together, in a transaction or one exactly-once batch. */
  readonly unit?: string
  readonly outcome: 'written' | 'not_written' | 'unknown'
  readonly code?: string
  readonly partition?: number
  readonly offset?: number | null
  /** By performance.now(); of records that were sent at once, those told of first come first. */
  readonly sentAt: number
  readonly tookMs: number
}

/** A record as the log has it. */
export interface Logged {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly value: string
  /** Epoch ms, as its producer has set it. */
  readonly timestamp: number
}

/** What happened by one route. */
export interface RouteRow {
  readonly route: string
  readonly written: number
  readonly notWritten: number
  readonly unknown: number
  /** Of the unknown, those that are in the log. */
  readonly unknownFound: number
  readonly lost: number
  readonly resurrected: number
  readonly duplicates: number
  readonly elsewhere: number
  readonly disordered: number
  readonly torn: number
  readonly worstMs: number
}

export interface Verdict {
  readonly rows: readonly RouteRow[]
  /** A sentence for each broken promise. */
  readonly broken: readonly string[]
}

const MAX_SENTENCES = 20

type Fault = 'lost' | 'resurrected' | 'duplicates' | 'elsewhere' | 'disordered' | 'torn'

/**
 * Holds what clients were told against the log, read with isolation read_committed once all was over: a `written` record
 * is there once and where it was said to be, a `not_written` one is not, an `unknown` one at most once, a unit whole or not
 * at all, and what a client was told was written keeps its order.
 */
export function judge(told: readonly Told[], log: readonly Logged[]): Verdict {
  const places = new Map<string, Logged[]>()
  for (const record of log) {
    const found = places.get(record.value)
    if (found === undefined) places.set(record.value, [record])
    else found.push(record)
  }
  const broken: string[] = []
  const counts = new Map<string, Record<Fault, number>>()
  const last = new Map<string, number>()
  const units = new Map<string, { found: number; sent: number; route: string }>()
  const say = (route: string, fault: Fault, sentence: string) => {
    const own = counts.get(route) ?? {
      lost: 0,
      resurrected: 0,
      duplicates: 0,
      elsewhere: 0,
      disordered: 0,
      torn: 0,
    }
    own[fault]++
    counts.set(route, own)
    if (broken.length < MAX_SENTENCES) broken.push(`${fault}: ${sentence}`)
  }
  // Answers may overtake one another.
  for (const one of told.toSorted((a, b) => a.sentAt - b.sentAt)) {
    const { value, route, client, topic, outcome, partition, offset } = one
    const found = places.get(value) ?? []
    const where = `${route} ${value} was told ${outcome} and is at [${found.map(placeOf).join()}]`
    if (outcome === 'written' && found.length === 0) say(route, 'lost', where)
    if (outcome === 'not_written' && found.length > 0) say(route, 'resurrected', where)
    if (found.length > 1) say(route, 'duplicates', where)
    if (one.unit !== undefined) {
      const unit = units.get(one.unit) ?? { found: 0, sent: 0, route }
      unit.sent++
      if (found.length > 0) unit.found++
      units.set(one.unit, unit)
    }
    if (outcome !== 'written' || offset === null || offset === undefined || found.length !== 1) continue
    if (found[0]!.partition !== partition || found[0]!.offset !== offset || found[0]!.topic !== topic) {
      say(route, 'elsewhere', `${where}, said to be at ${topic}/${partition}@${offset}`)
    }
    const stream = `${client}/${topic}/${partition}`
    if (offset <= (last.get(stream) ?? -1))
      say(route, 'disordered', `${where}, before an earlier one of ${client}`)
    last.set(stream, offset)
  }
  for (const [name, { found, sent, route }] of units) {
    if (found > 0 && found < sent) say(route, 'torn', `${name}: ${found} of ${sent} records are there`)
  }
  const sent = new Set(told.map(({ value }) => value))
  for (const [value, [first]] of places) {
    if (!sent.has(value)) broken.push(`nobody sent ${value}, which is at ${placeOf(first!)}`)
  }
  const rows = [...Map.groupBy(told, ({ route }) => route)].map(([route, own]): RouteRow => {
    const of = (outcome: Told['outcome']) => own.filter((one) => one.outcome === outcome)
    return {
      route,
      written: of('written').length,
      notWritten: of('not_written').length,
      unknown: of('unknown').length,
      unknownFound: of('unknown').filter(({ value }) => places.has(value)).length,
      ...(counts.get(route) ?? {
        lost: 0,
        resurrected: 0,
        duplicates: 0,
        elsewhere: 0,
        disordered: 0,
        torn: 0,
      }),
      worstMs: Math.round(own.reduce((most, { tookMs }) => Math.max(most, tookMs), 0)),
    }
  })
  return { rows, broken }
}

function placeOf({ topic, partition, offset }: Logged): string {
  return `${topic}/${partition}@${offset}`
}
