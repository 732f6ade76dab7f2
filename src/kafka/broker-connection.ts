import {
  apiVersionsV3,
  Connection,
  type ConnectionOptions,
  clientSoftwareName,
  clientSoftwareVersion,
} from '@platformatic/kafka'
import { LoginError, responseOf, UnsupportedApiError } from './errors.ts'
import type { Conversation, Mechanism } from './sasl/mechanism.ts'
import type { Call } from './sasl/log-in.ts'
import { Session } from './sasl/session.ts'
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

/** How a connection logs in: what is said now, and the mechanism that says it again before the login expires. */
export interface Login {
  readonly mechanism: Mechanism
  readonly conversation: Conversation
  /** Runs each renewal, or refuses to. */
  readonly renewal: <T>(renew: () => Promise<T>) => Promise<T>
}

/** How long a broker may take to tell what it speaks and to let the gateway in, ms. */
const LOGIN_TIMEOUT_MS = 5_000

/** What a broker said it speaks (KIP-35), by API key. */
type ApiVersions = ReadonlyMap<number, { minVersion: number; maxVersion: number }>

/**
 * One TCP connection to one broker, authenticated, with the API versions agreed on.
 * It is never mended: after `closed` a new one is opened. A broker handles the requests of one connection in turn and
 * holds the later ones back while one waits (fetch, join, acks=all), so calls that wait get connections of their own.
 */
export class BrokerConnection {
  readonly #connection: Connection
  #versions: ApiVersions = new Map()
  #transactionVersion = 0
  #session: Session | undefined
  readonly #meter: KafkaMeter
  readonly endpoint: Endpoint
  /** Settles when the connection is gone, whatever the reason. */
  readonly closed: Promise<void>
  #waiting = 0
  /** When a call was last answered, or made while none was waiting, by performance.now(). */
  #heardAt = 0

  private constructor(connection: Connection, endpoint: Endpoint, meter: KafkaMeter) {
    this.#meter = meter
    this.#connection = connection
    this.endpoint = endpoint
    this.closed = new Promise((resolve) => connection.once('close', () => resolve()))
  }

  /**
   * `signal` ends an attempt under way.
   * @throws LoginError where the login is refused; the client's NetworkError or TimeoutError
   */
  static async open(
    clientId: string,
    endpoint: Endpoint,
    options: ConnectionOptions,
    meter: KafkaMeter,
    signal?: AbortSignal,
    login?: Login,
  ): Promise<BrokerConnection> {
    const connection = new Connection(clientId, options)
    // An `error` event without a listener ends the process; what failed reaches each caller through its own call.
    let lastError: Error | undefined
    connection.on('error', (error: Error) => (lastError = error))
    const made = new BrokerConnection(connection, endpoint, meter)
    const abort = () => connection.socket?.destroy(new Error('the attempt to connect was given up'))
    signal?.addEventListener('abort', abort)
    let timer: NodeJS.Timeout | undefined
    try {
      await connection.connect(endpoint.host, endpoint.port)
      timer = setTimeout(
        () => connection.socket?.destroy(new Error('the login took too long')),
        LOGIN_TIMEOUT_MS,
      )
      await made.#agree()
      if (login !== undefined) await made.#logIn(login)
      meter.connections++
      void made.closed.then(() => meter.connections--)
      return made
    } catch (error) {
      meter.failedConnects++
      made.destroy()
      if (error instanceof LoginError) throw error
      // A TLS 1.3 broker refuses a certificate after the handshake: the call only sees the connection end.
      throw lastError ?? error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Asks what the broker speaks (KIP-35), which it tells before a login as well. */
  async #agree(): Promise<void> {
    const answer = await apiVersionsV3.api.async(this.#connection, clientSoftwareName, clientSoftwareVersion)
    this.#versions = new Map(answer.apiKeys.map((api) => [api.apiKey, api]))
    const feature = answer.finalizedFeatures?.find(({ name }) => name === 'transaction.version')
    this.#transactionVersion = feature?.maxVersionLevel ?? 0
  }

  async #logIn({ mechanism, conversation, renewal }: Login): Promise<void> {
    const call: Call = (family, ...args) => this.#exchange(family, args, undefined)
    const session = new Session(mechanism, call, renewal, () => this.#retire())
    this.#session = session
    void this.closed.then(() => session.end(new Error('the connection is closed')))
    await session.begin(conversation)
    // A broker may tell a stranger less.
    await this.#agree()
  }

  /** The cluster's level of feature `transaction.version`: from 2 on, transactions work as KIP-890 has them. */
  get transactionVersion(): number {
    return this.#transactionVersion
  }

  /** How long calls have been waiting without any being answered, ms; 0 where none is. */
  get silentMs(): number {
    return this.#waiting === 0 ? 0 : performance.now() - this.#heardAt
  }

  get usable(): boolean {
    return this.#connection.isConnected() && this.#session?.valid !== false
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
   * @throws NotSent where the login has expired; the client's NetworkError or TimeoutError where no response came
   */
  call<Args extends unknown[], Response>(
    family: ApiFamily<Args, Response>,
    ...args: Args
  ): Promise<Response> {
    return this.#exchange(family, args, this.#session)
  }

  /** One call, which waits for a renewal of the login where there is a session. */
  #exchange<Args extends unknown[], Response>(
    family: ApiFamily<Args, Response>,
    args: Args,
    session: Session | undefined,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const api = this.#negotiate(family)
      const madeAt = performance.now()
      if (this.#waiting++ === 0) this.#heardAt = madeAt
      const done = () => {
        this.#waiting--
        this.#heardAt = performance.now()
        if (this.#session?.valid === false) this.#retire()
      }
      const send = () =>
        api(this.#connection, ...args, (error, response) => {
          done()
          const answer = error ? responseOf<Response>(error) : response
          const tally = this.#meter.calls(family.key)
          tally.seconds.observe((this.#heardAt - madeAt) / 1_000)
          if (answer === undefined) tally.unanswered++
          else if (error) tally.refused++
          if (answer === undefined) reject(error ?? new Error('empty response'))
          else resolve(answer)
        })
      const refuse = (error: Error) => {
        done()
        reject(error)
      }
      if (session === undefined) send()
      else session.pass({ send, reject: refuse })
    })
  }

  /** Ends the connection of an expired login once the broker has answered what it was asked before. */
  #retire(): void {
    if (this.#waiting === 0) this.destroy()
  }

  /** Ends the connection at once; calls under way fail. */
  destroy(): void {
    this.#session?.end(new Error('the connection was given up'))
    // What has failed is only half closed by the client: a broker that is silent would keep it.
    this.#connection.socket?.destroy()
    void this.#connection.close().catch(() => {})
  }

  /** Ends the connection once what was written has gone out. */
  async close(): Promise<void> {
    await this.#connection.close().catch(() => {})
  }
}
