import { setTimeout as pause } from 'node:timers/promises'
import { postJson, Turn } from '../clients/client.ts'

/** Requests under way at most: past it Kafka or the gateways are in trouble, and less is written. */
const IN_FLIGHT = 32

/**
 * Writes numbers to a topic at a rate of records a second, spread over its partitions, until stopped. A request whose
 * answer is lost is not sent again: what counts for consumers is what the log has.
 */
export function produceSteadily(
  urls: readonly string[],
  topic: string,
  { perSecond, tickMs = 20 }: { readonly perSecond: number; readonly tickMs?: number },
): { stop(): Promise<void> } {
  const turn = new Turn(urls)
  const inFlight = new Set<Promise<unknown>>()
  const began = performance.now()
  let stopped = false
  let sent = 0
  const send = async (count: number) => {
    const timestamp = Date.now()
    const records = Array.from({ length: count }, () => {
      return { key: `k${sent % 97}`, value: sent++, timestamp }
    })
    const answer = await postJson(`${turn.url}/v1/topics/${topic}/records`, { records })
    if (answer?.ok !== true) turn.next()
  }
  const running = (async () => {
    while (!stopped) {
      const due = Math.floor(((performance.now() - began) / 1_000) * perSecond)
      if (due > sent && inFlight.size < IN_FLIGHT) {
        const one: Promise<void> = send(Math.min(due - sent, perSecond)).finally(() => inFlight.delete(one))
        inFlight.add(one)
      }
      await pause(tickMs)
    }
    await Promise.all(inFlight)
  })()
  return {
    stop() {
      stopped = true
      return running
    },
  }
}
