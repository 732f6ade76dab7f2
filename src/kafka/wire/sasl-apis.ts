import * as client from '@platformatic/kafka'
import { family } from './apis.ts'

/** Arguments: the mechanism. Version 0 would have what follows sent without Kafka's framing. */
export const saslHandshake = family<[mechanism: string], { errorCode: number; mechanisms: string[] }>(
  client.saslHandshakeV1,
)

export interface SaslAuthenticateAnswer {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly authBytes: Buffer
  /** How long the login holds, ms; 0 where it does not expire (KIP-368). */
  readonly sessionLifetimeMs: bigint
}

/** Arguments: the mechanism's message. */
export const saslAuthenticate = family<[message: Buffer], SaslAuthenticateAnswer>(
  client.saslAuthenticateV2,
  client.saslAuthenticateV1,
)
