import type { Secret } from '../../config/secret.ts'
import type { Mechanism } from './mechanism.ts'
import { secretFor } from './secret-for.ts'

/** PLAIN (RFC 4616): the password as it is, so over TLS. */
export function plain(username: string, password: Secret): Mechanism {
  return {
    name: 'PLAIN',
    async prepare() {
      const text = await secretFor('password', password)
      return async (exchange) => void (await exchange(Buffer.from(`\0${username}\0${text}`)))
    },
  }
}
