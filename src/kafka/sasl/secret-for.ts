import type { Secret } from '../../config/secret.ts'
import { LoginError } from '../errors.ts'

/**
 * A secret's text for a login.
 * @throws LoginError where its file cannot be read
 */
export async function secretFor(what: string, secret: Secret): Promise<string> {
  try {
    return await secret.read()
  } catch (cause) {
    throw new LoginError(`the ${what} cannot be read from its file`, { cause })
  }
}
