import type { Logger } from 'pino'
import type { Guard } from './auth/guard.ts'
import type { Principal } from './auth/principal.ts'
import type { Tickets } from './auth/tickets.ts'
import type { RequestObserver } from './http/answer.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { Config } from './config/config.ts'
import type { Cluster } from './kafka/cluster.ts'
import type { ExactlyOnceWriter } from './kafka/producers/exactly-once-writer.ts'
import type { SecretStore } from './kafka/secret-store.ts'
import type { ByteBudget } from './kafka/writer/byte-budget.ts'
import type { TopicWriter } from './kafka/writer/topic-writer.ts'
import type { Transactions } from './kafka/transactions/transactions.ts'
import type { Admission } from './limits/admission.ts'
import type { Meters } from './metrics/meters.ts'
import type { StreamSlots } from './streams/slots.ts'
import type { Tracing } from './tracing/tracing.ts'

/** Where Kafka is asked in the name of each client. */
export interface Clients {
  /**
   * What serves a principal. Its connections to Kafka are kept until `release` is called.
   * @throws Problem unauthenticated for one that Kafka has not let in; too_many_kafka_clients
   */
  serve(principal: Principal): { readonly deps: Deps; release(): void }
}

/** What the routes and the WebSocket server are given. Nothing below reads the environment or opens a socket itself. */
export interface Deps {
  readonly config: Config
  readonly log: Logger
  /** Who may do what. */
  readonly guard: Guard
  /** Undefined where nobody has to show who they are. */
  readonly tickets: Tickets | undefined
  /** Undefined where Kafka is asked as the gateway; and for what serves one client. */
  readonly clients: Clients | undefined
  /** Keeps the connections to Kafka from being closed, where they are a client's, until what it returns is called. */
  readonly hold: () => () => void
  readonly cluster: Cluster
  readonly writer: TopicWriter
  readonly transactions: Transactions
  readonly producers: ExactlyOnceWriter
  /** What tokens of every kind are signed with. */
  readonly secrets: SecretStore
  /** The bytes of produce requests that are being read or waiting to be written. */
  readonly budget: ByteBudget
  /** Whether a request is served now, and how much its caller may take. */
  readonly admission: Admission
  /** The streams that are open. */
  readonly slots: StreamSlots
  /** What happens, counted. */
  readonly meters: Meters
  /** Told of requests. */
  readonly observer: RequestObserver
  /** Undefined where nobody asks for one. */
  readonly audit: AuditLog | undefined
  readonly tracing: Tracing | undefined
  /** True from the moment a shutdown begins: what comes is served, and told that it is to go elsewhere. */
  readonly draining: () => boolean
  /** Aborted when no new connections are taken any more, for what lasts and what waits. */
  readonly stopping: AbortSignal
}
