import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { Problem } from '../problems/problem.ts'
import { TokenSigner } from '../signed-token.ts'
import type { KeyStore } from './key-store.ts'
import { type Operation, operations } from './policy.ts'
import type { Principal } from './principal.ts'

/** How long a ticket can be used, ms: enough for a page to open its stream. */
export const TICKET_MS = 30_000
/** Tickets that were used are remembered until they expire; past it the oldest are forgotten. */
const MAX_USED = 100_000

const Payload = z.object({
  /** Principal, roles, scopes, when the credentials expire (null: never), and of a key the hash that was shown. */
  p: z.string(),
  r: z.array(z.string()),
  s: z.array(z.enum(operations)).nullable(),
  x: z.number().nullable(),
  k: z.string().nullable(),
  /** The page it was made for, where one asked for it. */
  o: z.string().nullable(),
  /** Until when it can be used. */
  u: z.number(),
  /** So that no two are the same. */
  n: z.string(),
})

/** Where a ticket is shown. */
export interface Page {
  /** The Origin header. */
  readonly origin: string | undefined
  /** The gateway's own host, where the browser says that the page is of it. */
  readonly ownHost: string | undefined
}

/** What tickets are signed with. */
interface Secrets {
  get(): Promise<string | Buffer>
}

/**
 * Tickets for programs that can set no header where they open a stream: a browser's WebSocket and EventSource. A ticket
 * stands for whoever asked for it, for half a minute, at any replica, and at each of them once.
 */
export class Tickets {
  readonly #secrets: Secrets
  readonly #keys: KeyStore | undefined
  #signer: TokenSigner | undefined
  readonly #used = new Map<string, number>()

  constructor(secrets: Secrets, keys: KeyStore | undefined) {
    this.#secrets = secrets
    this.#keys = keys
  }

  /** @throws Problem kafka_unavailable where the secret can't be had */
  async issue(
    principal: Principal,
    origin: string | undefined,
  ): Promise<{ ticket: string; expiresAt: number }> {
    const expiresAt = Math.min(Date.now() + TICKET_MS, principal.expiresAt ?? Infinity)
    const payload: z.input<typeof Payload> = {
      p: principal.name,
      r: [...principal.roles],
      s: principal.scopes === undefined ? null : [...principal.scopes],
      x: principal.expiresAt ?? null,
      k: (principal as { secretHash?: Buffer }).secretHash?.toString('base64url') ?? null,
      o: origin ?? null,
      u: expiresAt,
      n: randomBytes(9).toString('base64url'),
    }
    const signer = await this.#open()
    return { ticket: signer.sign(Buffer.from(JSON.stringify(payload)), ''), expiresAt }
  }

  /** @throws Problem invalid_credentials; kafka_unavailable */
  async redeem(ticket: string, { origin, ownHost }: Page): Promise<Principal> {
    const bytes = (await this.#open()).open(ticket, '')
    if (bytes === undefined) throw refused('it was not issued here')
    const payload = Payload.parse(JSON.parse(bytes.toString('utf8')))
    const now = Date.now()
    if (payload.u <= now) throw refused('it has expired')
    const isOwn = origin === undefined && ownHost !== undefined && hostIn(payload.o) === ownHost
    if (payload.o !== null && payload.o !== origin && !isOwn)
      throw refused('it was made for a page of another origin')
    if (this.#used.has(payload.n)) throw refused('it was used before')
    this.#remember(payload.n, payload.u, now)
    return this.#toPrincipal(payload)
  }

  #toPrincipal({ p, r, s, x, k }: z.output<typeof Payload>): Principal {
    if (k !== null) {
      const principal = this.#keys?.resume(p.slice('key:'.length), Buffer.from(k, 'base64url'))
      if (principal === undefined) throw refused('its API key was taken away')
      return principal
    }
    const expiresAt = x ?? undefined
    return {
      name: p,
      roles: r,
      ...(s && { scopes: new Set<Operation>(s) }),
      expiresAt,
      isCurrent: () => Date.now() < (expiresAt ?? Infinity),
    }
  }

  #remember(nonce: string, until: number, now: number): void {
    for (const [old, expires] of this.#used) {
      if (expires > now && this.#used.size < MAX_USED) break
      this.#used.delete(old)
    }
    this.#used.set(nonce, until)
  }

  async #open(): Promise<TokenSigner> {
    return (this.#signer ??= new TokenSigner(await this.#secrets.get(), 'ticket'))
  }
}

function hostIn(origin: string | null): string | undefined {
  return origin === null ? undefined : URL.parse(origin)?.host
}

function refused(why: string): Problem {
  return new Problem('invalid_credentials', { detail: `The ticket is not accepted: ${why}.` })
}
