import { isIP } from 'node:net'
import type { ConnectionOptions } from '@platformatic/kafka'
import type { Logger } from 'pino'
import type { KafkaConfig } from '../config/kafka-config.ts'
import { Problem } from '../problems/problem.ts'
import { TlsFiles } from '../config/tls-files.ts'
import { BrokerConnection, type Endpoint } from './broker-connection.ts'
import { ClientRefused, CredentialsRefused, LoginError, reasonOf } from './errors.ts'
import type { KafkaMeter } from './meter.ts'
import { LoginGate } from './login-gate.ts'
import type { Mechanism } from './sasl/mechanism.ts'
import { mechanismOf } from './sasl/mechanism-of.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** A broker that refuses again and again for the same reason is spoken of once in so long, ms. */
const REPEAT_LOG_MS = 60_000

/**
 * Makes connections to brokers: encrypted and logged in as configured, never otherwise. Certificates, keys and secrets
 * in files are read anew for each, so they may be replaced while the gateway runs.
 */
export class Connector {
  readonly #clientId: string
  readonly #meter: KafkaMeter
  readonly #signal: AbortSignal
  readonly #log: Logger | undefined
  readonly #tls: TlsFiles | undefined
  readonly #mechanism: Mechanism | undefined
  readonly #gate = new LoginGate((broker, refusal) => this.#tell(broker, refusal))
  readonly #clientRefused: (() => void) | undefined
  readonly #told = new Map<string, { reason: string; at: number }>()

  /**
   * @param signal ends attempts under way, and all later ones
   * @param clientRefused there where the credentials are a client's: called when Kafka refuses them
   */
  constructor(
    { clientId, tls, sasl }: KafkaConfig,
    meter: KafkaMeter,
    signal: AbortSignal,
    log?: Logger,
    clientRefused?: () => void,
  ) {
    this.#clientRefused = clientRefused
    this.#meter = meter
    this.#clientId = clientId
    this.#signal = signal
    this.#log = log
    this.#tls = tls && new TlsFiles(tls, (error) => this.#unusable(error))
    this.#mechanism = sasl && mechanismOf(sasl)
  }

  /**
   * @throws LoginError where broker and gateway do not accept each other; the client's connection errors; Problem
   * shutting_down, and kafka_unavailable where a token cannot be had now
   */
  open(endpoint: Endpoint, requestTimeoutMs: number): Promise<BrokerConnection> {
    const broker = `${endpoint.host}:${endpoint.port}`
    return this.#gate.open(broker, async () => {
      const [tls, conversation] = await this.#unlessStopped(
        Promise.all([this.#tlsOptions(endpoint), this.#mechanism?.prepare()]),
      )
      const options = {
        connectTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: requestTimeoutMs,
        maxInflights: 1_000,
      }
      const login = this.#mechanism &&
        conversation && {
          mechanism: this.#mechanism,
          conversation,
          renewal: <T>(renew: () => Promise<T>) => this.#gate.renew(broker, () => this.#asWhose(renew)),
        }
      return this.#asWhose(() =>
        BrokerConnection.open(
          this.#clientId,
          endpoint,
          { ...options, ...tls },
          this.#meter,
          this.#signal,
          login,
        ),
      )
    })
  }

  /** Logs in; a refusal says whether the credentials are a client's. */
  async #asWhose<T>(login: () => Promise<T>): Promise<T> {
    try {
      return await login()
    } catch (error) {
      if (this.#clientRefused === undefined || !(error instanceof CredentialsRefused)) throw error
      throw new ClientRefused(error)
    }
  }

  async #tlsOptions({ host }: Endpoint): Promise<ConnectionOptions> {
    if (this.#tls === undefined) return {}
    try {
      // The client names the server for a host name alone (RFC 6066, section 3); the certificate is checked in any case.
      return { tls: { secureContext: await this.#tls.context() }, tlsServerName: isIP(host) === 0 }
    } catch (cause) {
      throw new LoginError("the gateway's own TLS files cannot be used", { cause })
    }
  }

  /** What the promise gives, unless the gateway stops first. What it was waiting for goes on by itself. */
  async #unlessStopped<T>(promise: Promise<T>): Promise<T> {
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    const stop = () => reject(new Problem('shutting_down'))
    if (this.#signal.aborted) stop()
    this.#signal.addEventListener('abort', stop)
    try {
      return await Promise.race([stopped, promise])
    } finally {
      this.#signal.removeEventListener('abort', stop)
    }
  }

  #tell(broker: string, refusal: unknown): void {
    if (refusal instanceof ClientRefused) return this.#clientRefused?.()
    if (refusal === undefined) {
      this.#told.delete(broker)
      this.#log?.info({ broker }, 'Kafka takes the gateway again')
      return
    }
    const reason = reasonOf(refusal)
    const told = this.#told.get(broker)
    const now = performance.now()
    if (told?.reason === reason && now - told.at < REPEAT_LOG_MS) return
    this.#told.set(broker, { reason, at: now })
    this.#log?.error({ broker, reason }, 'no login at Kafka: check KAFKA_TLS_* and KAFKA_SASL_*')
  }

  #unusable(error: unknown): void {
    const reason = reasonOf(error)
    this.#log?.error({ reason }, 'the new TLS files cannot be used; the ones before them still are')
  }
}
