import type { HistoryEvent } from '../history/events.ts'
import type { Findings } from './findings.ts'

export interface Deadlines {
  /** An answer that takes longer is late, ms. */
  readonly answerMs: number
  /** How soon after all is well again each route must write, ms. */
  readonly progressMs: number
}

/** What the nemesis did, from when to when all was well again. */
export type Disturbance = Extract<HistoryEvent, { f: 'fault' }>

/**
 * Each answer came in time, where no gateway stood still meanwhile; and each route wrote again soon after each fault was over,
 * unless the next one or the end came before.
 */
export function checkTimes(history: readonly HistoryEvent[], deadlines: Deadlines, findings: Findings): void {
  const faults = history.filter((event): event is Disturbance => event.f === 'fault')
  const excused = faults.filter(({ isGateway }) => isGateway === true)
  const oks = new Map<string, number[]>()
  const routes = new Map<string, string>()
  let end = 0
  for (const event of history) {
    if (event.f !== 'send' && event.f !== 'ask') continue
    end = event.at
    const op = `${event.client} ${event.op}`
    if (event.type === 'invoke') {
      routes.set(op, event.route)
      if (event.f === 'send' && !oks.has(event.route)) oks.set(event.route, [])
      continue
    }
    const route = routes.get(op) ?? '?'
    if (event.f === 'send' && event.type === 'ok') oks.get(route)?.push(event.at)
    const isLate = event.longestMs > deadlines.answerMs && route !== 'visits'
    const since = event.at - event.longestMs
    if (isLate && !excused.some(({ began, at }) => began < event.at && at > since))
      findings.say('late', `${route} of ${event.client} was answered after ${Math.round(event.longestMs)} ms`)
  }
  for (const { name, at } of faults) {
    const next = faults.find(({ began }) => began > at)?.began ?? end
    if (next - at < deadlines.progressMs) continue
    for (const [route, times] of oks) {
      if (!times.some((time) => time > at && time <= at + deadlines.progressMs))
        findings.say('stuck', `${route} wrote nothing for ${deadlines.progressMs} ms after ${name}`)
    }
  }
  for (const [route, times] of oks) {
    if (times.length === 0) findings.say('stuck', `${route} never wrote anything`)
  }
}
