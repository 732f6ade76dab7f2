import type { Credentials } from './credentials.ts'
import type { Principal } from './principal.ts'

/** Credentials that Kafka is shown. */
export type KafkaCredentials = Extract<Credentials, { kind: 'password' | 'jwt' }>

/** Has Kafka say whether credentials are right, where they are passed on to it. */
export interface Logins {
  /** What it takes: a user and a password, or a token. */
  readonly takes: KafkaCredentials['kind']
  /** Whoever Kafka has let in with these a short while ago, without waiting. */
  known(credentials: KafkaCredentials): Principal | undefined
  /**
   * Asks Kafka.
   * @throws Problem invalid_credentials; kafka_unavailable, kafka_auth_failed; too_many_kafka_clients
   */
  logIn(credentials: KafkaCredentials): Promise<Principal>
}
