import * as client from '@platformatic/kafka'
import { family } from './apis.ts'

export interface WireCredential {
  readonly mechanism: number
  readonly iterations: number
}

/** Arguments: users; none for all. Answered by any broker, of what it has heard. */
export const describeUsers = family<
  [users: { name: string }[]],
  {
    errorCode: number
    errorMessage: string | null
    results: {
      user: string
      errorCode: number
      errorMessage: string | null
      credentialInfos: WireCredential[]
    }[]
  }
>(client.describeUserScramCredentialsV0)

/** Arguments: credentials to delete, credentials to set. Kafka never sees the password itself. */
export const alterUsers = family<
  [
    deletions: { name: string; mechanism: number }[],
    upsertions: (WireCredential & { name: string; salt: Buffer; saltedPassword: Buffer })[],
  ],
  { results: { user: string; errorCode: number; errorMessage: string | null }[] }
>(client.alterUserScramCredentialsV0)
