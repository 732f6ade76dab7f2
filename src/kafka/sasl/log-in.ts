import type { ApiFamily } from '../broker-connection.ts'
import { CredentialsRefused, KafkaCode, kafkaErrorName, LoginError } from '../errors.ts'
import { saslAuthenticate, saslHandshake } from '../wire/sasl-apis.ts'
import type { Conversation } from './mechanism.ts'

/** Makes one call on the connection that is to be logged in. */
export type Call = <Args extends unknown[], Response>(
  family: ApiFamily<Args, Response>,
  ...args: Args
) => Promise<Response>

/** What a login is good for. */
export interface Validity {
  /** When its last message was sent, by performance.now(): the broker counts from a moment after. */
  readonly since: number
  /** How long it holds from then on, ms; 0 where it does not expire. */
  readonly lifetimeMs: number
}

/** What a broker says of a refusal goes to the log, no more of it than this, characters. */
const MOST_BROKER_TEXT = 200

/**
 * Logs in (KIP-43, KIP-152): nothing else may be sent on the connection until it is done.
 * @throws LoginError where the broker refuses; the client's connection errors
 */
export async function logIn(call: Call, mechanism: string, conversation: Conversation): Promise<Validity> {
  const handshake = await call(saslHandshake, mechanism)
  if (handshake.errorCode === KafkaCode.UNSUPPORTED_SASL_MECHANISM) {
    throw new LoginError(`the broker takes ${handshake.mechanisms.join(', ')}, not ${mechanism}`)
  }
  // ILLEGAL_SASL_STATE, mostly: a listener without SASL.
  if (handshake.errorCode !== KafkaCode.NONE) throw refusal(mechanism, handshake.errorCode, null)
  let validity: Validity = { since: performance.now(), lifetimeMs: 0 }
  await conversation(async (message) => {
    const since = performance.now()
    const answer = await call(saslAuthenticate, message)
    if (answer.errorCode !== KafkaCode.NONE) throw refusal(mechanism, answer.errorCode, answer.errorMessage)
    validity = { since, lifetimeMs: Number(answer.sessionLifetimeMs) }
    return answer.authBytes
  })
  return validity
}

function refusal(mechanism: string, code: number, text: string | null): LoginError {
  const said = text === null ? '' : `: ${text.slice(0, MOST_BROKER_TEXT)}`
  const message = `the broker refuses ${mechanism} (${kafkaErrorName(code)}${said})`
  return code === KafkaCode.SASL_AUTHENTICATION_FAILED
    ? new CredentialsRefused(message)
    : new LoginError(message)
}
