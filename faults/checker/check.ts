import type { HistoryEvent } from '../history/events.ts'
import { checkTimes, type Deadlines } from './deadlines.ts'
import { Findings, type Kind } from './findings.ts'
import { Log, type LogRecord } from './log.ts'
import { checkPolls, type ConsumerRow } from './polls.ts'
import { checkSends, compareReads, type RouteRow } from './sends.ts'

/** What a run left. */
export interface Evidence {
  /** In the order in which it happened. */
  readonly history: readonly HistoryEvent[]
  /** The final read, by a client that shares no code with the gateway, and through the gateway. */
  readonly direct: readonly LogRecord[]
  readonly throughGateway?: readonly LogRecord[]
  /** Where each group resumes in the end, by partition. */
  readonly committed?: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** What clients of such a name, behind which only digits follow, may not read. */
  readonly forbidden?: Readonly<Record<string, readonly string[]>>
  readonly deadlines?: Deadlines
}

export interface Verdict {
  readonly routes: readonly RouteRow[]
  readonly consumers: readonly ConsumerRow[]
  readonly counts: Partial<Record<Kind, number>>
  /** A sentence for each broken promise. */
  readonly broken: readonly string[]
}

/** The gateway's deadline is 10 s, and an answer takes its way. */
const defaultDeadlines: Deadlines = { answerMs: 11_000, progressMs: 30_000 }

/** Holds what clients were told against what there is. Nothing but the evidence decides. */
export function check(evidence: Evidence): Verdict {
  const { history, direct, throughGateway, committed = new Map(), forbidden = {} } = evidence
  const findings = new Findings()
  const log = new Log(direct)
  const routes = checkSends(history, log, findings)
  const consumers = checkPolls(history, log, committed, findings)
  checkTimes(history, evidence.deadlines ?? defaultDeadlines, findings)
  if (throughGateway !== undefined) compareReads(log, new Log(throughGateway), findings)
  for (const event of history) {
    if (event.f !== 'poll') continue
    if (forbidden[event.client.replace(/\d.*$/, '')]?.includes(event.topic) === true)
      findings.say('leaked', `${event.client} was sent ${event.records.length} records of ${event.topic}`)
  }
  return { routes, consumers, counts: findings.counts, broken: findings.broken }
}
