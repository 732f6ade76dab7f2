import { LoginError } from '../errors.ts'
import type { Token } from './token-source.ts'

/** The instance metadata service is asked three times, a second each, before it is taken not to be there. */
const TIMEOUT_MS = 10_000

/**
 * A token for an Amazon MSK cluster with IAM access control: a request for `kafka-cluster:Connect` signed with the
 * credentials that the AWS SDK finds (environment, profile, web identity, container, instance). Nothing is asked of AWS
 * itself where they are at hand. AWS's package is 29 MB of code: only who logs in so loads it.
 * @throws LoginError where there are no credentials
 */
export async function signMskToken(region: string): Promise<Token> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the credentials were not found in time')), TIMEOUT_MS)
  try {
    const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js')
    const { token, expiryTime } = await Promise.race([generateAuthToken({ region }), late])
    return { value: token, lifetimeMs: Math.max(0, expiryTime - Date.now()) }
  } catch (cause) {
    throw new LoginError('there are no AWS credentials to sign with', { cause })
  } finally {
    clearTimeout(timer)
  }
}
