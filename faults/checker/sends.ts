import type { HistoryEvent, SendDone, SendInvoked, SendResult } from '../history/events.ts'
import { contentOf, digestOf, MARK } from '../history/record.ts'
import type { Findings } from './findings.ts'
import { type Log, type LogRecord, partitionOf } from './log.ts'

type Sent = HistoryEvent & SendInvoked

/** What happened by one route. */
export interface RouteRow {
  readonly route: string
  readonly sent: number
  readonly ok: number
  readonly fail: number
  readonly info: number
  /** Of `info`, those that are in the log. */
  readonly infoFound: number
  /** The longest that an answer took, ms. */
  readonly worstMs: number
}

/**
 * Holds what clients were told of what they sent against the log: a `written` record is there, where it was said to be and
 * as it was sent; a `not_written` one is not; none is there twice; what stands or falls together does; and what was written
 * keeps its order.
 */
export function checkSends(history: readonly HistoryEvent[], log: Log, findings: Findings): RouteRow[] {
  const answers = new Map<string, HistoryEvent & SendDone>()
  const sends: Sent[] = []
  for (const event of history) {
    if (event.f !== 'send') continue
    if (event.type === 'invoke') sends.push(event)
    else answers.set(opOf(event), event)
  }
  const rows = new Map<string, { -readonly [K in keyof RouteRow]: RouteRow[K] }>()
  const lastOf = new Map<string, LogRecord>()
  const sent = new Set<string>([MARK])
  for (const send of sends) {
    const { route, client, records } = send
    const answer = answers.get(opOf(send))
    const row = rows.get(route) ?? { route, sent: 0, ok: 0, fail: 0, info: 0, infoFound: 0, worstMs: 0 }
    rows.set(route, row)
    row.worstMs = Math.max(row.worstMs, Math.round(answer?.longestMs ?? 0))
    let found = 0
    records.forEach(([topic, id], i) => {
      sent.add(id)
      const result: SendResult = answer?.results[i] ?? { outcome: 'unknown' }
      const places = log.places(id)
      const where = `${route} ${id} was told ${result.outcome}, is at [${places.map(textOf).join()}]`
      row.sent++
      if (places.length > 0) found++
      if (result.outcome === 'written') row.ok++
      else if (result.outcome === 'not_written') row.fail++
      else {
        row.info++
        if (places.length > 0) row.infoFound++
      }
      if (result.outcome === 'written' && places.length === 0) findings.say('lost', where)
      if (result.outcome === 'not_written' && places.length > 0) findings.say('resurrected', where)
      if (places.length > 1) findings.say('duplicate', where)
      for (const place of places) {
        if (place.topic !== topic) findings.say('inconsistent', `${where}, was sent to ${topic}`)
        if (place.digest !== digestOf(contentOf(id))) findings.say('altered', `${where}, not as it was sent`)
      }
      if (result.outcome !== 'written' || places.length !== 1) return
      const [place] = places as [LogRecord]
      const { partition, offset } = result
      const isElsewhere = partition !== place.partition || (offset ?? place.offset) !== place.offset
      if (isElsewhere && partition !== undefined)
        findings.say('inconsistent', `${where}, said to be at ${topic}/${partition}@${offset}`)
      const stream = `${client} ${partitionOf(place)}`
      const last = lastOf.get(stream)
      if (last !== undefined && place.offset <= last.offset)
        findings.say('reordered', `${where}, was sent after ${last.id} at ${textOf(last)}`)
      lastOf.set(stream, place)
    })
    if (send.isUnit === true && found > 0 && found < records.length)
      findings.say('torn', `${route} ${records[0]![1]}: ${found} of ${records.length} records are there`)
  }
  for (const id of log.ids) {
    if (!sent.has(id))
      findings.say('inconsistent', `nobody sent ${id}, which is at ${textOf(log.places(id)[0]!)}`)
  }
  return [...rows.values()]
}

/** Clients of several processes have names of their own, and one client's ops are numbered. */
export function opOf({ client, op }: { client: string; op: number }): string {
  return `${client} ${op}`
}

export function textOf({ topic, partition, offset }: LogRecord): string {
  return `${topic}/${partition}@${offset}`
}

/** Holds one reading of the log against another one, record by record. */
export function compareReads(log: Log, other: Log, findings: Findings): void {
  const names = new Set([...log.partitions.keys(), ...other.partitions.keys()])
  for (const name of names) {
    const [own = [], others = []] = [log.partitions.get(name), other.partitions.get(name)]
    for (const record of others) {
      const same = log.at(name, record.offset)
      if (same?.id !== record.id) {
        findings.say(
          'inconsistent',
          `the gateway reads ${record.id} at ${textOf(record)}, Kafka has ${same?.id}`,
        )
      } else if (same.digest !== record.digest) {
        findings.say('altered', `the gateway reads ${record.id} at ${textOf(record)} not as Kafka has it`)
      }
    }
    for (const record of own) {
      if (other.at(name, record.offset) === undefined)
        findings.say('unseen', `the gateway does not read ${record.id} at ${textOf(record)}`)
    }
  }
}
