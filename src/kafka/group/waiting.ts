import { setTimeout as delay } from 'node:timers/promises'

const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000

/** Waits that double up to a second, each cut by chance to half at least: what failed together returns spread out. */
export class Backoff {
  #next = FIRST_WAIT_MS

  /** The next wait, ms. */
  next(): number {
    const wait = this.#next
    this.#next = Math.min(wait * 2, LONGEST_WAIT_MS)
    return wait * (0.5 + Math.random() / 2)
  }

  /** To be called after a success. */
  reset(): void {
    this.#next = FIRST_WAIT_MS
  }
}

/** Something that happens again and again, to wait for. */
export class Signal {
  #next = Promise.withResolvers<void>()

  /** Resolves the next time that notify() is called. */
  wait(): Promise<void> {
    return this.#next.promise
  }

  notify(): void {
    const { resolve } = this.#next
    this.#next = Promise.withResolvers()
    resolve()
  }
}

/** Waits, or not at all once aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}

/**
 * What the promise gives, unless the signal aborts first. What it was waiting for goes on by itself.
 * @throws the signal's reason
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Waits for the promise, but no longer than `ms`; false where it was still open. A rejection counts as done. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: expired, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), ms)
  try {
    const done = promise.then(
      () => true,
      () => true,
    )
    return await Promise.race([done, expired])
  } finally {
    clearTimeout(timer)
  }
}
