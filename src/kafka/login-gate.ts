import { isAuthenticationError } from './errors.ts'

/** After a refusal a broker is asked again no sooner than this, ms: it counts failures, and may lock the user out. */
const RETRY_MS = 1_000
/** A broker that let the gateway in within this time is trusted to do so again: logins go side by side, ms. */
const TRUST_MS = 10_000
/** How long others wait for the one that tries first, ms. */
const PROBE_MS = 1_000

interface Door {
  refused?: { error: unknown; until: number }
  welcomedAt: number
  probe?: Promise<unknown>
}

/**
 * Keeps wrong credentials from being tried again and again: at each broker one login is tried first while others wait for
 * what becomes of it, and after a refusal none is made for a second.
 */
export class LoginGate {
  readonly #doors = new Map<string, Door>()
  readonly #news: (broker: string, refusal: unknown) => void

  /** @param news is told of each refusal, and (with undefined) of each login that follows one and succeeds */
  constructor(news: (broker: string, refusal: unknown) => void) {
    this.#news = news
  }

  /**
   * Makes a connection and logs in, if that is not known to be in vain.
   * @throws what the last login was refused with, or as `login`
   */
  async open<T>(broker: string, login: () => Promise<T>): Promise<T> {
    const door = this.#door(broker)
    if (door.probe !== undefined) await settled(door.probe)
    this.#check(door)
    if (door.probe !== undefined || performance.now() - door.welcomedAt < TRUST_MS) {
      return this.#watch(broker, door, login)
    }
    const probe = this.#watch(broker, door, login)
    door.probe = probe
    try {
      return await probe
    } finally {
      delete door.probe
    }
  }

  /**
   * Renews the login of a connection that is open: it waits for no other, since it may have to wait for long calls.
   * @throws as open()
   */
  async renew<T>(broker: string, login: () => Promise<T>): Promise<T> {
    const door = this.#door(broker)
    this.#check(door)
    return this.#watch(broker, door, login)
  }

  #door(broker: string): Door {
    let door = this.#doors.get(broker)
    if (door === undefined) this.#doors.set(broker, (door = { welcomedAt: -Infinity }))
    return door
  }

  #check({ refused }: Door): void {
    if (refused !== undefined && performance.now() < refused.until) throw refused.error
  }

  async #watch<T>(broker: string, door: Door, login: () => Promise<T>): Promise<T> {
    try {
      const result = await login()
      door.welcomedAt = performance.now()
      if (door.refused !== undefined) this.#news(broker, undefined)
      delete door.refused
      return result
    } catch (error) {
      if (isAuthenticationError(error)) {
        door.refused = { error, until: performance.now() + RETRY_MS }
        door.welcomedAt = -Infinity
        this.#news(broker, error)
      }
      throw error
    }
  }
}

/** When it has settled either way, or the others have waited long enough. */
async function settled(probe: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, PROBE_MS)
  await Promise.race([
    probe.then(
      () => {},
      () => {},
    ),
    late,
  ])
  clearTimeout(timer)
}
