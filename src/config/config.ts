import {
  type AuthConfig,
  isLoopback,
  type TlsConfig,
  toAuthConfig,
  toTlsConfig,
} from '../auth/auth-config.ts'
import { type KafkaConfig, kafkaConfig } from './kafka-config.ts'
import { type logLevels, type Settings, settings } from './settings.ts'
import type { TopicRule, WriteDefaults } from './topic-defaults.ts'

export interface Config {
  readonly host: string
  readonly port: number
  readonly workers: number
  readonly dataDir: string
  readonly kafkaPort: number
  readonly logLevel: (typeof logLevels)[number]
  readonly accessLog: boolean
  /** The path of a file, or `stdout`; none, where left out. */
  readonly auditLog: string | undefined
  readonly metrics: {
    /** Not served, where left out. */
    readonly port: number | undefined
    readonly host: string
    readonly topics: number
  }
  readonly drainDelayMs: number
  readonly shutdownTimeoutMs: number
  readonly allowedOrigins: readonly string[]
  /** What requests may be addressed to, beside this machine's own names; with `*`, anything. */
  readonly allowedHosts: readonly string[]
  /** Addresses and ranges of them, whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  readonly kafka: KafkaConfig
  /** Who may use the gateway; undefined where everybody may. */
  readonly auth: AuthConfig | undefined
  /** HTTPS; undefined where it is HTTP. */
  readonly tls: TlsConfig | undefined
  /** The OTEL_ variables, where they ask for traces to be exported. */
  readonly otel: Readonly<Record<string, string | undefined>> | undefined
  /** What tokens are signed with; kept in Kafka where not set. */
  readonly secret: string | undefined
  readonly group: {
    readonly sessionTimeoutMs: number
    readonly heartbeatMs: number
    readonly graceMs: number
    readonly maxGraceMs: number
    readonly maxAway: number
  }
  /** How records are written where the request doesn't say, and the topics for which that differs. */
  readonly produce: { readonly defaults: WriteDefaults; readonly topics: readonly TopicRule[] }
  readonly limits: Limits
  /** Variables that were not understood but do no harm, to be logged. */
  readonly warnings: readonly string[]
}

/** What one client can make the gateway hold or do; each refuses, none clamps. */
export interface Limits {
  readonly maxBodyBytes: number
  readonly maxBatchRecords: number
  readonly produceTimeoutMs: number
  readonly produceBufferBytes: number
  readonly produceBufferTopicBytes: number
  readonly streamIdleMs: number
  readonly maxTransactions: number
  readonly maxReadBytes: number
  readonly maxReadRecords: number
  readonly maxWaitMs: number
  readonly maxConnections: number
  readonly maxStreams: number
  readonly maxStreamsPerPrincipal: number
  readonly maxConnectionsPerAddress: number
  readonly rateRequests: number
  readonly rateBytes: number
  readonly rateReadBytes: number
  readonly rateBurstSeconds: number
  readonly maxLoopDelayMs: number
  readonly wsMaxMessageBytes: number
  readonly wsMessageMs: number
  readonly wsBufferBytes: number
  readonly wsProduceMessages: number
  readonly wsProduceBytes: number
  readonly wsStallMs: number
  readonly wsPingMs: number
  readonly sseHeartbeatMs: number
}

/** A setting that stops the start. Each line names the variable and what was expected. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** Of the command line and the examples: whoever sets them for these may start a gateway from the same shell. */
const clientVariables = new Set(['SLUICE_URL', 'SLUICE_TOKEN', 'SLUICE_TOKEN_FILE'])

/** Which variable the port is read from: ours goes before the one that platforms set. */
export function portVariable(env: NodeJS.ProcessEnv): 'SLUICE_PORT' | 'PORT' {
  return env.SLUICE_PORT || !env.PORT ? 'SLUICE_PORT' : 'PORT'
}

/**
 * Reads the configuration from environment variables.
 * An unknown SLUICE_* variable is an error, since a misspelt setting silently ignored is a trap; an unknown KAFKA_* one
 * is a warning, since Kafka's own scripts use some (KAFKA_HEAP_OPTS, ...). An empty value counts as not set.
 * @throws ConfigError naming every variable that is wrong
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = []
  const warnings: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(settings)) {
    if (name === 'PORT' && portVariable(env) !== name) continue
    const result = schema.safeParse(env[name] === '' ? undefined : env[name])
    if (result.success) values[name] = result.data
    else problems.push(`${name}: expected ${result.error.issues.map((issue) => issue.message).join('; ')}`)
  }
  for (const name of Object.keys(env)) {
    if (name in settings || clientVariables.has(name)) continue
    if (name.startsWith('SLUICE_')) problems.push(`${name}: no such setting${didYouMean(name)}`)
    else if (name.startsWith('KAFKA_')) warnings.push(`${name} is not a setting of Sluice and was ignored`)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const s = values as Settings
  if (s.SLUICE_GROUP_GRACE_MS > s.SLUICE_GROUP_MAX_GRACE_MS)
    problems.push('SLUICE_GROUP_GRACE_MS: expected at most SLUICE_GROUP_MAX_GRACE_MS')
  if ((s.SLUICE_METRICS_PORT ?? 0) + s.SLUICE_WORKERS - 1 > 65_535)
    problems.push('SLUICE_METRICS_PORT: expected room for a port for each of SLUICE_WORKERS after it')
  const kafka = kafkaConfig(s, env, problems, warnings)
  const auth = toAuthConfig(s, s.SLUICE_KAFKA_CREDENTIALS === 'client', problems)
  const tls = toTlsConfig(s, problems)
  if (kafka.clients !== undefined && tls === undefined && !isLoopback(s.SLUICE_HOST))
    warnings.push(
      "without SLUICE_TLS_CERT_FILE clients' Kafka credentials come unencrypted, unless a proxy serves HTTPS",
    )
  if (auth === undefined && !isLoopback(s.SLUICE_HOST) && !s.SLUICE_INSECURE && problems.length === 0) {
    problems.push(
      `SLUICE_HOST: ${s.SLUICE_HOST} can be reached by others, and nobody has to show who they are: set SLUICE_API_KEYS_FILE and SLUICE_POLICY_FILE (docs/security.md), or SLUICE_INSECURE=true if everybody may do everything`,
    )
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze({
    host: s.SLUICE_HOST,
    port: s.PORT ?? s.SLUICE_PORT,
    workers: s.SLUICE_WORKERS,
    dataDir: s.SLUICE_DATA_DIR,
    kafkaPort: s.SLUICE_KAFKA_PORT,
    logLevel: s.SLUICE_LOG_LEVEL,
    accessLog: s.SLUICE_ACCESS_LOG,
    auditLog: s.SLUICE_AUDIT_LOG,
    metrics: { port: s.SLUICE_METRICS_PORT, host: s.SLUICE_METRICS_HOST, topics: s.SLUICE_METRICS_TOPICS },
    drainDelayMs: s.SLUICE_DRAIN_DELAY_MS,
    shutdownTimeoutMs: s.SLUICE_SHUTDOWN_TIMEOUT_MS,
    allowedOrigins: s.SLUICE_ALLOWED_ORIGINS,
    allowedHosts: allowedHosts(s, auth !== undefined),
    trustedProxies: s.SLUICE_TRUSTED_PROXIES,
    kafka,
    auth,
    tls,
    otel: asksForTraces(env)
      ? Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('OTEL_')))
      : undefined,
    secret: s.SLUICE_SECRET,
    group: {
      sessionTimeoutMs: s.SLUICE_GROUP_SESSION_TIMEOUT_MS,
      heartbeatMs: s.SLUICE_GROUP_HEARTBEAT_MS,
      graceMs: s.SLUICE_GROUP_GRACE_MS,
      maxGraceMs: s.SLUICE_GROUP_MAX_GRACE_MS,
      maxAway: s.SLUICE_GROUP_MAX_AWAY,
    },
    produce: {
      defaults: {
        acks: s.SLUICE_PRODUCE_ACKS,
        compression: s.SLUICE_PRODUCE_COMPRESSION,
        timeoutMs: s.SLUICE_PRODUCE_TIMEOUT_MS,
      },
      topics: s.SLUICE_TOPIC_DEFAULTS,
    },
    limits: {
      maxBodyBytes: s.SLUICE_MAX_BODY_BYTES,
      maxBatchRecords: s.SLUICE_MAX_BATCH_RECORDS,
      produceTimeoutMs: s.SLUICE_PRODUCE_TIMEOUT_MS,
      produceBufferBytes: s.SLUICE_PRODUCE_BUFFER_BYTES,
      produceBufferTopicBytes: s.SLUICE_PRODUCE_BUFFER_TOPIC_BYTES,
      streamIdleMs: s.SLUICE_STREAM_IDLE_MS,
      maxTransactions: s.SLUICE_MAX_TRANSACTIONS,
      maxReadBytes: s.SLUICE_MAX_READ_BYTES,
      maxReadRecords: s.SLUICE_MAX_READ_RECORDS,
      maxWaitMs: s.SLUICE_MAX_WAIT_MS,
      maxConnections: s.SLUICE_MAX_CONNECTIONS,
      maxStreams: s.SLUICE_MAX_STREAMS,
      maxStreamsPerPrincipal: s.SLUICE_MAX_STREAMS_PER_PRINCIPAL,
      maxConnectionsPerAddress: s.SLUICE_MAX_CONNECTIONS_PER_ADDRESS,
      rateRequests: s.SLUICE_RATE_REQUESTS,
      rateBytes: s.SLUICE_RATE_BYTES,
      rateReadBytes: s.SLUICE_RATE_READ_BYTES,
      rateBurstSeconds: s.SLUICE_RATE_BURST_SECONDS,
      maxLoopDelayMs: s.SLUICE_MAX_LOOP_DELAY_MS,
      wsMaxMessageBytes: s.SLUICE_WS_MAX_MESSAGE_BYTES,
      wsMessageMs: s.SLUICE_WS_MESSAGE_MS,
      wsBufferBytes: s.SLUICE_WS_BUFFER_BYTES,
      wsProduceMessages: s.SLUICE_WS_PRODUCE_MESSAGES,
      wsProduceBytes: s.SLUICE_WS_PRODUCE_BYTES,
      wsStallMs: s.SLUICE_WS_STALL_MS,
      wsPingMs: s.SLUICE_WS_PING_MS,
      sseHeartbeatMs: s.SLUICE_SSE_HEARTBEAT_MS,
    },
    warnings,
  })
}

/**
 * What a page that a browser was lied to about (DNS rebinding) is told apart by. Where callers show who they are, such a
 * page has nothing to show; and where the gateway is open to others, it has names that it can't know.
 */
function allowedHosts(s: Settings, isGuarded: boolean): readonly string[] {
  const isOpen = isGuarded || !isLoopback(s.SLUICE_HOST)
  if (s.SLUICE_ALLOWED_HOSTS.length > 0) return [...s.SLUICE_ALLOWED_HOSTS, s.SLUICE_HOST.toLowerCase()]
  return isOpen ? ['*'] : [s.SLUICE_HOST.toLowerCase()]
}

/** Whether the environment asks for traces to be exported, as OpenTelemetry's specification has it. */
function asksForTraces(env: NodeJS.ProcessEnv): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return false
  return Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT)
}

function didYouMean(name: string): string {
  const [closest] = Object.keys(settings)
    .map((known) => ({ known, away: distance(known, name) }))
    .sort((a, b) => a.away - b.away)
  return closest === undefined || closest.away > 3 ? '' : `; did you mean ${closest.known}?`
}

/** Levenshtein distance, for short names. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (inner !== null && typeof inner === 'object') deepFreeze(inner)
  }
  return Object.freeze(value)
}
