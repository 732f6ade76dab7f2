import { Problem } from '../problems/problem.ts'
import { isAuthenticationError, isClientRefused } from './errors.ts'

/** A bootstrap address that does not answer is overtaken by the next after this, ms. */
export const STAGGER_MS = 500

/** What the promise gives within the time. @throws Problem kafka_unavailable past it */
export async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Problem('kafka_unavailable', { detail: 'Kafka did not answer in time.' })),
      ms,
    )
  })
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The first attempt to succeed. Attempts start one after the other, each when the one before has failed or has been
 * silent for a moment, so that one address that hangs does not hold up the rest (as RFC 8305 does for addresses).
 */
export async function firstOf<T>(attempts: (() => Promise<T>)[]): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const errors: unknown[] = []
  let next = 0
  let timer: NodeJS.Timeout | undefined
  const start = () => {
    clearTimeout(timer)
    const attempt = attempts[next++]
    if (attempt === undefined) return
    timer = setTimeout(start, STAGGER_MS)
    attempt().then(resolve, (error: unknown) => {
      errors.push(error)
      // What one broker says of a client's credentials all would, and each may count it against the user.
      if (isClientRefused(error)) reject(error as Error)
      // An authentication failure says more than a refused connection does.
      else if (errors.length === attempts.length) reject(errors.find(isAuthenticationError) ?? errors[0])
      else start()
    })
  }
  if (attempts.length === 0)
    reject(new Problem('kafka_unavailable', { detail: 'No broker address is known.' }))
  start()
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}
