import { CredentialsRefused, LoginError } from '../errors.ts'
import type { Mechanism } from './mechanism.ts'

/** Gives the token of the next login, and is told of one that was refused. */
export interface Tokens {
  /** @throws LoginError, Problem kafka_unavailable */
  get(): Promise<string>
  refused?(token: string): void
}

/** RFC 6750, section 2.1; anything else could end the message early. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/
/** The byte between the parts of a message (RFC 7628, section 3.1), and the whole answer to an error (section 3.2.3). */
const SEPARATOR = '\x01'

/** OAUTHBEARER (RFC 7628, KIP-255), with SASL extensions (KIP-342). */
export function oauthBearer(tokens: Tokens, extensions: Readonly<Record<string, string>>): Mechanism {
  const pairs = Object.entries(extensions).map(([name, value]) => `${name}=${value}${SEPARATOR}`)
  return {
    name: 'OAUTHBEARER',
    async prepare() {
      const token = await tokens.get()
      if (!TOKEN.test(token)) throw new LoginError('the token is not one of RFC 6750')
      const parts = [`n,,`, `auth=Bearer ${token}`, pairs.join('')]
      return async (exchange) => {
        try {
          const answer = await exchange(Buffer.from(parts.join(SEPARATOR) + SEPARATOR))
          if (answer.length === 0) return
          // What is wrong with the token; the refusal itself comes once that has been answered.
          await exchange(Buffer.from(SEPARATOR))
          throw new CredentialsRefused('the broker refuses the token')
        } catch (error) {
          if (error instanceof LoginError) tokens.refused?.(token)
          throw error
        }
      }
    },
  }
}
