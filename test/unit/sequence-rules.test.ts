import { describe, expect, it } from 'vitest'
import type { ProducerState } from '../../src/kafka/producers/producer-states.ts'
import { refusalAfter, refusalBefore } from '../../src/kafka/producers/sequence-rules.ts'

const now = 1_000_000_000
const expirationMs = 1_000

/** A leader that knows the producer's last number, written so long ago; or does not know it at all. */
function state(lastSequence?: number, idleMs = 0): ProducerState {
  if (lastSequence === undefined) return { known: undefined, expirationMs }
  const known = { producerId: 1n, producerEpoch: 0, lastSequence, lastTimestamp: now - idleMs }
  return { known, expirationMs }
}

/** What is said to a PUT of one record under a token of this age, ms. */
function told(state: ProducerState, tokenAge: number, sequence: number): string {
  const range = { first: sequence, last: sequence }
  return refusalBefore(state, now - tokenAge, range, now)?.code ?? 'send it'
}

describe('a PUT of a producer that the leader does not know', () => {
  it('begins at 0 while it certainly has written nothing, and is told so at any other number', () => {
    expect(told(state(), 399, 0)).toBe('send it')
    expect(told(state(), 399, 7)).toBe('sequence_gap')
  })

  it('is refused once what was written may have been forgotten', () => {
    expect(told(state(), 401, 0)).toBe('producer_expired')
    expect(told(state(), 401, 7)).toBe('producer_expired')
  })
})

describe('a PUT of a producer that the leader knows', () => {
  it('is sent where it is the next, or was written, however old the token is', () => {
    expect(told(state(4), 1e6, 5)).toBe('send it')
    expect(told(state(4), 1e6, 4)).toBe('send it')
    expect(told(state(4), 1e6, 0)).toBe('send it')
  })

  it('is refused where it is ahead', () => {
    expect(told(state(4), 0, 6)).toBe('sequence_gap')
  })

  it('is not sent again where the leader may forget it on the way, which would append it twice', () => {
    expect(told(state(4, 899), 0, 4)).toBe('send it')
    expect(told(state(4, 901), 0, 4)).toBe('producer_expired')
    // What is new is new, whatever the leader forgets.
    expect(told(state(4, 901), 0, 5)).toBe('send it')
  })
})

describe('a PUT whose numbers the leader has and whose batch it does not', () => {
  it('is a conflict where it reaches the last batch, which is always known again, and may be old otherwise', () => {
    expect(refusalAfter(9, { first: 9, last: 9 }).code).toBe('sequence_conflict')
    expect(refusalAfter(9, { first: 8, last: 12 }).code).toBe('sequence_conflict')
    expect(refusalAfter(9, { first: 7, last: 8 }).code).toBe('sequence_expired')
  })
})
