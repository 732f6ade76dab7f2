import { pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

/** SCRAM as Kafka knows it, by its number and hash (Kafka's `ScramMechanism`); a salted password is as long as the hash. */
const mechanisms = {
  'SCRAM-SHA-256': { number: 1, hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { number: 2, hash: 'sha512', bytes: 64 },
} as const

export type ScramMechanism = keyof typeof mechanisms
export const scramMechanisms = Object.keys(mechanisms) as [ScramMechanism, ...ScramMechanism[]]

/** What Kafka takes: fewer are unsafe, more would have its brokers count for too long. */
export const MIN_ITERATIONS = 4_096
export const MAX_ITERATIONS = 16_384

const SALT_BYTES = 32

/** A way to log in, without its secret, which Kafka tells nobody. */
export interface Credential {
  readonly mechanism: ScramMechanism
  readonly iterations: number
}

export function numberOf(mechanism: ScramMechanism): number {
  return mechanisms[mechanism].number
}

/** Undefined for a mechanism that only a newer Kafka has. */
export function mechanismOf(number: number): ScramMechanism | undefined {
  return scramMechanisms.find((mechanism) => mechanisms[mechanism].number === number)
}

/**
 * `Hi(password, salt, iterations)` of RFC 5802, section 2.2, which is PBKDF2, with a new salt. Counted off the event loop.
 * The password's bytes are those of its UTF-8, as in Kafka's own tool and clients, which leave SASLprep out.
 */
export async function saltPassword(
  password: string,
  { mechanism, iterations }: Credential,
): Promise<{ salt: Buffer; saltedPassword: Buffer }> {
  const { hash, bytes } = mechanisms[mechanism]
  const salt = randomBytes(SALT_BYTES)
  const saltedPassword = await promisify(pbkdf2)(Buffer.from(password), salt, iterations, bytes, hash)
  return { salt, saltedPassword }
}
