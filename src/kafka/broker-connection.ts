import {
  apiVersionsV3,
  Connection,
  type ConnectionOptions,
  clientSoftwareName,
  clientSoftwareVersion,
} from '@platformatic/kafka'
import { responseOf } from './errors.ts'
import type { KafkaMeter } from './meter.ts'

/** The versions of one Kafka API that the gateway speaks, newest first, all taking the same arguments. */
export interface ApiFamily<Args extends unknown[], Response> {
  readonly key: number
  readonly versions: readonly ApiVersion<Args, Response>[]
}

interface ApiVersion<Args extends unknown[], Response> {
  (connection: Connection, ...args: [...Args, (error: Error | null, response?: Response) => void]): void
  readonly key: number
  readonly version: number
}

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What a broker said it speaks (KIP-35), by API key. */
type ApiVersions = ReadonlyMap<number, { minVersion: number; maxVersion: number }>
type ApiVersionsAnswer = Awaited<ReturnType<typeof apiVersionsV3.api.async>>

/** A broker too old for a call the gateway needs. */
export class UnsupportedApiError extends Error {
  constructor(key: number) {
    super(
      `the broker speaks no version of API ${key} that the gateway does; Apache Kafka 3.1 or newer is needed`,
    )
    this.name = 'UnsupportedApiError'
  }
}

/**
 * One TCP connection to one broker, authenticated, with the API versions agreed on.
 * It is never mended: after `closed` a new one is opened. A broker handles the requests of one connection in turn and
 * holds the later ones back while one waits (fetch, join, acks=all), so calls that wait get connections of their own.
 */
export class BrokerConnection {
  readonly #connection: Connection
  readonly #versions: ApiVersions
  readonly #meter: KafkaMeter
  readonly endpoint: Endpoint
  /** The cluster's level of feature `transaction.version`: from 2 on, transactions work as KIP-890 has them. */
  readonly transactionVersion: number
  /** Settles when the connection is gone, whatever the reason. */
  readonly closed: Promise<void>
  #waiting = 0
  /** When a call was last answered, or made while none was waiting, by performance.now(). */
  #heardAt = 0

  private constructor(
    connection: Connection,
    answer: ApiVersionsAnswer,
    endpoint: Endpoint,
    closed: Promise<void>,
    meter: KafkaMeter,
  ) {
    this.#meter = meter
    this.#connection = connection
    this.#versions = new Map(answer.apiKeys.map((api) => [api.apiKey, api]))
    const feature = answer.finalizedFeatures?.find(({ name }) => name === 'transaction.version')
    this.transactionVersion = feature?.maxVersionLevel ?? 0
    this.endpoint = endpoint
    this.closed = closed
  }

  /**
   * `signal` ends an attempt under way.
   * @throws the client's NetworkError, TimeoutError or AuthenticationError
   */
  static async open(
    clientId: string,
    endpoint: Endpoint,
    options: ConnectionOptions,
    meter: KafkaMeter,
    signal?: AbortSignal,
  ): Promise<BrokerConnection> {
    const connection = new Connection(clientId, options)
    // An `error` event without a listener ends the process; what failed reaches each caller through its own call.
    let lastError: Error | undefined
    connection.on('error', (error: Error) => (lastError = error))
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    connection.once('close', () => resolve())
    const abort = () => connection.socket?.destroy(new Error('the attempt to connect was given up'))
    signal?.addEventListener('abort', abort)
    try {
      await connection.connect(endpoint.host, endpoint.port)
      const answer = await apiVersionsV3.api.async(connection, clientSoftwareName, clientSoftwareVersion)
      meter.connections++
      void closed.then(() => meter.connections--)
      return new BrokerConnection(connection, answer, endpoint, closed, meter)
    } catch (error) {
      meter.failedConnects++
      // What has failed is only half closed by the client: a broker that is silent would keep it.
      connection.socket?.destroy()
      void connection.close().catch(() => {})
      // A TLS 1.3 broker refuses a certificate after the handshake: the call only sees the connection end.
      throw lastError ?? error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** How long calls have been waiting without any being answered, ms; 0 where none is. */
  get silentMs(): number {
    return this.#waiting === 0 ? 0 : performance.now() - this.#heardAt
  }

  get usable(): boolean {
    return this.#connection.isConnected()
  }

  /** @throws UnsupportedApiError where broker and gateway share no version */
  #negotiate<Args extends unknown[], Response>(
    family: ApiFamily<Args, Response>,
  ): ApiVersion<Args, Response> {
    const range = this.#versions.get(family.key)
    const api =
      range && family.versions.find((v) => v.version >= range.minVersion && v.version <= range.maxVersion)
    if (api === undefined) throw new UnsupportedApiError(family.key)
    return api
  }

  /**
   * Calls the newest agreed version. A response that carries error codes is returned, not thrown: the caller reads them.
   * @throws the client's NetworkError or TimeoutError where no response came
   */
  call<Args extends unknown[], Response>(
    family: ApiFamily<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const api = this.#negotiate(family)
      const madeAt = performance.now()
      if (this.#waiting++ === 0) this.#heardAt = madeAt
      api(this.#connection, ...args, (error, response) => {
        this.#waiting--
        this.#heardAt = performance.now()
        const answer = error ? responseOf<Response>(error) : response
        const tally = this.#meter.calls(family.key)
        tally.seconds.observe((this.#heardAt - madeAt) / 1_000)
        if (answer === undefined) tally.unanswered++
        else if (error) tally.refused++
        if (answer === undefined) reject(error ?? new Error('empty response'))
        else resolve(answer)
      })
    })
  }

  /** Ends the connection at once; calls under way fail. */
  destroy(): void {
    this.#connection.socket?.destroy()
    void this.#connection.close().catch(() => {})
  }

  /** Ends the connection once what was written has gone out. */
  async close(): Promise<void> {
    await this.#connection.close().catch(() => {})
  }
}
