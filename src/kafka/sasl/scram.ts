import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Secret } from '../../config/secret.ts'
import { LoginError } from '../errors.ts'
import type { Mechanism } from './mechanism.ts'
import { secretFor } from './secret-for.ts'

const hashes = {
  'SCRAM-SHA-256': { name: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { name: 'sha512', bytes: 64 },
} as const

/** RFC 7677, section 4 asks for no fewer: a broker that wants them may be after the password. */
const FEWEST_ITERATIONS = 4_096
/** More would be an hour of one core for a broker that means ill. Kafka itself makes no more than 16,384. */
const MOST_ITERATIONS = 1_000_000
/** No channel binding, no other identity (RFC 5802, section 7), and the same in base64. */
const GS2_HEADER = 'n,,'
const CHANNEL = Buffer.from(GS2_HEADER).toString('base64')
const derive = promisify(pbkdf2)

/**
 * SCRAM (RFC 5802, RFC 7677): each side proves that it knows the password, and neither sends it. As Kafka does, user names
 * and passwords are taken as the UTF-8 they are, without SASLprep.
 */
export function scram(name: keyof typeof hashes, username: string, password: Secret): Mechanism {
  const hash = hashes[name]
  const hmac = (key: Buffer, text: string) => createHmac(hash.name, key).update(text).digest()
  return {
    name,
    async prepare() {
      const text = await secretFor('password', password)
      return async (exchange) => {
        const nonce = randomBytes(24).toString('base64url')
        const clientFirst = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
        const serverFirst = (await exchange(Buffer.from(GS2_HEADER + clientFirst))).toString()
        const { r: bothNonces, s: salt, i: iterations } = challenge(serverFirst)
        if (!bothNonces.startsWith(nonce) || bothNonces === nonce)
          throw new LoginError('the nonce is not ours')
        const clientLast = `c=${CHANNEL},r=${bothNonces}`
        const message = `${clientFirst},${serverFirst},${clientLast}`
        const salted = await derive(text, salt, iterations, hash.bytes, hash.name)
        const clientKey = hmac(salted, 'Client Key')
        const signature = hmac(createHash(hash.name).update(clientKey).digest(), message)
        const proof = clientKey.map((byte, i) => byte ^ signature[i]!)
        const serverLast = (
          await exchange(Buffer.from(`${clientLast},p=${Buffer.from(proof).toString('base64')}`))
        ).toString()
        const claimed = Buffer.from(/^v=([^,]+)/.exec(serverLast)?.[1] ?? '', 'base64')
        const expected = hmac(hmac(salted, 'Server Key'), message)
        if (claimed.length !== expected.length || !timingSafeEqual(claimed, expected)) {
          throw new LoginError('the broker does not know the password either')
        }
      }
    },
  }
}

/** @throws LoginError where a broker's first message is none */
function challenge(message: string): { r: string; s: Buffer; i: number } {
  const [, r, s, i] =
    /^r=([\x21-\x2b\x2d-\x7e]+),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})(?:,|$)/.exec(message) ?? []
  if (r === undefined || s === undefined || i === undefined)
    throw new LoginError('the challenge is not SCRAM')
  const iterations = Number(i)
  if (iterations < FEWEST_ITERATIONS || iterations > MOST_ITERATIONS) {
    throw new LoginError(`the broker asks for ${iterations} iterations`)
  }
  return { r, s: Buffer.from(s, 'base64'), i: iterations }
}
