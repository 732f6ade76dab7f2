/** Sends one message of the client and gives the broker's answer to it. */
export type Exchange = (message: Buffer) => Promise<Buffer>

/**
 * What is said in one login, from the first message of the client to the last of the broker.
 * @throws LoginError where the broker refuses, or says what it must not
 */
export type Conversation = (exchange: Exchange) => Promise<void>

/** A SASL mechanism (RFC 4422) with the gateway's credentials. */
export interface Mechanism {
  /** As Kafka calls it. */
  readonly name: string
  /**
   * Gets what one login needs, such as a token, before the broker is told that one begins.
   * @throws LoginError where it cannot be had; Problem kafka_unavailable where it cannot be had now
   */
  prepare(): Promise<Conversation>
}
