import { Problem } from '../../problems/problem.ts'
import type { ProducerState } from './producer-states.ts'

export const MAX_SEQUENCE = 0x7fffffff

/** The sequence numbers of one PUT: from `first` to `last`. */
export interface SequenceRange {
  readonly first: number
  readonly last: number
}

/**
 * A broker forgets a producer when the newest timestamp of its last batch is older than `producer.id.expiration.ms`, and
 * then takes any sequence number from it. So that being unknown proves that nothing was written:
 * - no batch is written whose newest timestamp is older than half of that time: it is remembered for the other half;
 * - a producer that is unknown may begin only while its token is younger than that half, less a margin;
 * - a number that was written before is not sent again when less than the margin is left.
 * The margin is for clocks that differ and for the time between asking and writing.
 */
const HALF = 1 / 2
const MARGIN = 1 / 10

/** How old, ms, the newest timestamp of a batch may be. */
export function mostTimestampAge(expirationMs: number): number {
  return expirationMs * HALF
}

/** How long, ms, what a leader said of a producer may be relied on. */
export function reliableFor(expirationMs: number): number {
  return expirationMs * MARGIN
}

/** Why a range may not be sent, by what the leader knows; undefined where it may. `now` by Date.now(). */
export function refusalBefore(
  { known, expirationMs }: ProducerState,
  issuedAt: number,
  { first }: SequenceRange,
  now: number,
): Problem | undefined {
  if (known === undefined) {
    if (now - issuedAt > expirationMs * (HALF - MARGIN)) return forgotten()
    return first > 0 ? gap(0) : undefined
  }
  const next = known.lastSequence + 1
  if (first > next) return gap(next)
  const isAboutToBeForgotten = now - known.lastTimestamp > expirationMs * (1 - MARGIN)
  return first < next && isAboutToBeForgotten ? forgotten() : undefined
}

/** What it means that the leader refused the numbers of a range of which it has, as it said before, some already. */
export function refusalAfter(lastSequence: number, { last }: SequenceRange): Problem {
  const extra = { nextSequence: lastSequence + 1 }
  // The end of the log's last batch is known: had this been that batch, it would have been known again.
  if (last >= lastSequence) return conflict(extra)
  return new Problem('sequence_expired', { outcome: 'unknown', extra })
}

export function conflict(extra: Readonly<Record<string, unknown>> = {}): Problem {
  return new Problem('sequence_conflict', { outcome: 'not_written', extra })
}

export function forgotten(): Problem {
  const detail = 'Kafka has forgotten the producer, or is about to: it was idle for too long.'
  return new Problem('producer_expired', { detail, outcome: 'unknown' })
}

function gap(nextSequence: number): Problem {
  const detail = `The next sequence number of this producer is ${nextSequence}.`
  return new Problem('sequence_gap', { detail, outcome: 'not_written', extra: { nextSequence } })
}
