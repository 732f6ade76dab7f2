import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 bits that nobody guesses, so one round of SHA-256 keeps them: a slow hash would only let anybody waste our CPU. */
const SECRET_BYTES = 32
const pattern = /^sluice_([a-z0-9][a-z0-9-]{0,63})_([A-Za-z0-9_-]{43})$/

/** What an id may be: it is shown in logs, and rules name it as `key:ID`. */
export const keyIdPattern = /^[a-z0-9][a-z0-9-]{0,63}$/

/** An API key, taken apart. */
export interface ApiKey {
  readonly id: string
  readonly secret: string
}

/** A new secret: 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url')
}

/** The key as its holder is given it, once: `sluice_ID_SECRET`, which secret scanners can look for. */
export function formatApiKey({ id, secret }: ApiKey): string {
  return `sluice_${id}_${secret}`
}

/** The id and secret of a text that has the form of a key; undefined for any other. */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, id, secret] = pattern.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, secret }
}

/** Whether a text has a key somewhere in it. */
export function holdsApiKey(text: string): boolean {
  return /sluice_[a-z0-9-]{1,64}_[A-Za-z0-9_-]{43}/.test(text)
}

/** What is kept of a secret. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Compares without telling by the time it takes how much was right. Both are SHA-256 digests. */
export function sameHash(a: Buffer, b: Buffer): boolean {
  return timingSafeEqual(a, b)
}
