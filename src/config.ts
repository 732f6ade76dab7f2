import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { codecNames, parseTopicRules, type TopicRule, type WriteDefaults } from './topic-defaults.ts'

/** Environment values are text: a number is accepted only when written as plain digits. */
function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, `an integer from ${min} to ${max}`)
    .transform(Number)
    .pipe(
      z.number().min(min, `an integer from ${min} to ${max}`).max(max, `an integer from ${min} to ${max}`),
    )
}

const flag = z.enum(['true', 'false'], { error: 'true or false' }).transform((v) => v === 'true')
const file = z.string().min(1, 'the path of a file')
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const
const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
const brokerList = z
  .string()
  .transform((v) => v.split(',').map((b) => b.trim()))
  .pipe(
    z
      .array(
        z.string().regex(/^(\[[0-9A-Fa-f:]+\]|[^:\s]+):\d{1,5}$/, 'host:port, several separated by commas'),
      )
      .min(1),
  )

/**
 * Every setting, by environment variable. A default is written as the variable's text would be.
 * docs/config.md is generated from this object (`npm run generate`).
 */
export const settings = {
  SLUICE_HOST: z
    .string()
    .min(1, 'a host name or address')
    .default('127.0.0.1')
    .describe('Address to listen on.'),
  SLUICE_PORT: integer(0, 65_535).prefault('8080').describe('Port to listen on; 0 takes any free one.'),
  SLUICE_WORKERS: integer(1, 256)
    .prefault('1')
    .describe(
      'Processes that share the port, for machines with more cores (Linux, FreeBSD). Limits count for each.',
    ),
  SLUICE_DATA_DIR: z
    .string()
    .min(1, 'a path')
    .default('.sluice')
    .describe('Where `npm start` keeps the Kafka it runs itself: its jars, its log and its data.'),
  SLUICE_KAFKA_PORT: integer(0, 65_535)
    .prefault('9092')
    .describe('Port of the Kafka that `npm start` runs itself; 0 takes any free one.'),
  SLUICE_LOG_LEVEL: z
    .enum(logLevels, { error: `one of ${logLevels.join(', ')}` })
    .default('info')
    .describe(`Lowest level that is logged: ${logLevels.join(', ')}.`),
  SLUICE_MAX_BODY_BYTES: integer(1_024, 1_073_741_824)
    .prefault('8388608')
    .describe('Largest request body, in bytes. Guards memory against one huge request.'),
  SLUICE_MAX_BATCH_RECORDS: integer(1, 1_000_000)
    .prefault('10000')
    .describe('Most records in one produce request.'),
  SLUICE_PRODUCE_TIMEOUT_MS: integer(500, 300_000)
    .prefault('10000')
    .describe('Milliseconds within which every record of a produce request gets its outcome.'),
  SLUICE_PRODUCE_BUFFER_BYTES: integer(1_048_576, 17_179_869_184)
    .prefault('67108864')
    .describe(
      'Most bytes of requests and records waiting to be written, for the whole process; past it a produce is refused with 503.',
    ),
  SLUICE_PRODUCE_BUFFER_TOPIC_BYTES: integer(1_048_576, 17_179_869_184)
    .prefault('33554432')
    .describe('The same for one topic, so that one stuck topic leaves room for the others.'),
  SLUICE_STREAM_IDLE_MS: integer(100, 86_400_000)
    .prefault('60000')
    .describe('Milliseconds an NDJSON stream of records may bring nothing before it is ended.'),
  SLUICE_PRODUCE_ACKS: z
    .enum(['all', '1'], { error: 'all or 1' })
    .default('all')
    .describe('Who must have a record for it to be written: all in-sync replicas, or 1, the leader alone.'),
  SLUICE_PRODUCE_COMPRESSION: z
    .enum(codecNames, { error: `one of ${codecNames.join(', ')}` })
    .default('none')
    .describe(`Compression of the batches sent to Kafka: ${codecNames.join(', ')}.`),
  SLUICE_TOPIC_DEFAULTS: z
    .string()
    .default('')
    .transform((text, context) => {
      const rules = parseTopicRules(text)
      if (rules === undefined) {
        context.addIssue('rules such as logs-*: acks=1, compression=lz4; audit: timeout=30000')
      }
      return rules ?? []
    })
    .describe(
      'The same for some topics, by name or prefix, and `timeout` in ms: `logs-*: acks=1, compression=lz4; audit: timeout=30000`. The first rule that fits counts.',
    ),
  SLUICE_MAX_TRANSACTIONS: integer(1, 10_000)
    .prefault('64')
    .describe('Most transactions at once; past it one is refused with 503.'),
  SLUICE_MAX_READ_BYTES: integer(1_024, 104_857_600)
    .prefault('8388608')
    .describe('Largest `maxBytes` a read may ask for, in bytes.'),
  SLUICE_MAX_READ_RECORDS: integer(1, 1_000_000)
    .prefault('10000')
    .describe('Largest `limit` a read may ask for, in records.'),
  SLUICE_MAX_WAIT_MS: integer(0, 300_000)
    .prefault('30000')
    .describe('Longest `wait` a read may ask for, in milliseconds.'),
  SLUICE_MAX_CONNECTIONS: integer(1, 1_000_000)
    .prefault('10000')
    .describe('Most client connections at once, HTTP and WebSocket together.'),
  SLUICE_MAX_STREAMS: integer(0, 1_000_000)
    .prefault('1000')
    .describe('Most streams at once: WebSockets, and reads over HTTP that last.'),
  SLUICE_WS_MAX_MESSAGE_BYTES: integer(1_024, 104_857_600)
    .prefault('1114112')
    .describe('Largest message a WebSocket client may send, in bytes.'),
  SLUICE_WS_BUFFER_BYTES: integer(65_536, 104_857_600)
    .prefault('1048576')
    .describe(
      'Bytes sent to a stream (a WebSocket, or a read over HTTP) but not yet taken by it, past which reading from Kafka pauses.',
    ),
  SLUICE_WS_PRODUCE_MESSAGES: integer(1, 100_000)
    .prefault('1000')
    .describe('Most `produce` messages of one WebSocket under way; past it nothing further is read from it.'),
  SLUICE_WS_PRODUCE_BYTES: integer(65_536, 1_073_741_824).prefault('4194304').describe('The same in bytes.'),
  SLUICE_WS_STALL_MS: integer(1_000, 600_000)
    .prefault('30000')
    .describe(
      'Milliseconds a stream may take nothing while data waits for it, before it is cut; a WebSocket with 4508.',
    ),
  SLUICE_WS_PING_MS: integer(1_000, 300_000)
    .prefault('20000')
    .describe(
      'Milliseconds between heartbeat pings; a socket that answers none for twice as long is dropped.',
    ),
  SLUICE_SSE_HEARTBEAT_MS: integer(100, 300_000)
    .prefault('15000')
    .describe(
      'Milliseconds between comments on a stream of server-sent events that has nothing else to say, so that proxies keep it open.',
    ),
  SLUICE_GROUP_SESSION_TIMEOUT_MS: integer(1_000, 3_600_000)
    .prefault('10000')
    .describe(
      'Milliseconds after which Kafka gives the partitions of a group member of a dead gateway to others.',
    ),
  SLUICE_GROUP_HEARTBEAT_MS: integer(50, 60_000)
    .prefault('150')
    .describe('Milliseconds between group heartbeats: how fast a rebalance is noticed.'),
  SLUICE_GROUP_GRACE_MS: integer(0, 3_600_000)
    .prefault('0')
    .describe(
      'Milliseconds that a group keeps the partitions of a WebSocket that drops, where the subscription has no `grace`.',
    ),
  SLUICE_GROUP_MAX_GRACE_MS: integer(0, 3_600_000)
    .prefault('60000')
    .describe('Largest `grace` a subscription may ask for, in milliseconds.'),
  SLUICE_GROUP_MAX_AWAY: integer(0, 1_000_000)
    .prefault('1000')
    .describe(
      'Most group members at once whose WebSockets dropped and that are kept for their `grace`; past it a member leaves its group at once.',
    ),
  SLUICE_SHUTDOWN_TIMEOUT_MS: integer(0, 600_000)
    .prefault('10000')
    .describe('Milliseconds a shutdown waits for requests and streams before it cuts them.'),
  SLUICE_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((origin) => origin !== ''))
    .pipe(
      z.array(
        z
          .string()
          .regex(
            /^(\*|https?:\/\/[^/\s,]+)$/,
            'origins such as https://app.example, separated by commas, or *',
          ),
      ),
    )
    .describe(
      'Origins of web pages that may open a WebSocket or read records, separated by commas, or `*`; pages from this machine and from the gateway itself always may.',
    ),
  SLUICE_SECRET: z
    .string()
    .min(32, 'at least 32 characters')
    .optional()
    .describe(
      'What producer and resume tokens are signed with, the same for all replicas. Without it they share one that they keep in the topic `_sluice_secrets`. Secret.',
    ),
  KAFKA_BROKERS: brokerList
    .optional()
    .describe(
      'Brokers to connect to first, `host:port,host:port`. Without it `npm start` runs a Kafka of its own.',
    ),
  KAFKA_CLIENT_ID: z
    .string()
    .min(1, 'a name')
    .default('sluice')
    .describe("Client id in the brokers' logs, metrics and quotas."),
  KAFKA_TLS: flag.prefault('false').describe('Connect to Kafka over TLS.'),
  KAFKA_TLS_CA_FILE: file
    .optional()
    .describe("PEM file of the authorities to trust for the brokers' certificates, instead of the system's."),
  KAFKA_TLS_CERT_FILE: file.optional().describe("PEM file of the gateway's own certificate, for mTLS."),
  KAFKA_TLS_KEY_FILE: file.optional().describe("PEM file of that certificate's key."),
  KAFKA_SASL_MECHANISM: z
    .enum(mechanisms, { error: `one of ${mechanisms.join(', ')}` })
    .optional()
    .describe(`SASL mechanism: ${mechanisms.join(', ')}.`),
  KAFKA_SASL_USERNAME: z.string().min(1).optional().describe('SASL user name (PLAIN, SCRAM).'),
  KAFKA_SASL_PASSWORD: z.string().min(1).optional().describe('SASL password (PLAIN, SCRAM). Secret.'),
  KAFKA_SASL_TOKEN: z.string().min(1).optional().describe('SASL token (OAUTHBEARER). Secret.'),
} as const satisfies Record<string, z.ZodType>

type Settings = { [K in keyof typeof settings]: z.output<(typeof settings)[K]> }

/** TLS material and credentials for the connection to Kafka. */
export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer }
  readonly sasl?: {
    readonly mechanism: (typeof mechanisms)[number]
    readonly username?: string
    readonly password?: string
    readonly token?: string
  }
}

export interface Config {
  readonly host: string
  readonly port: number
  readonly workers: number
  readonly dataDir: string
  readonly kafkaPort: number
  readonly logLevel: (typeof logLevels)[number]
  readonly shutdownTimeoutMs: number
  readonly allowedOrigins: readonly string[]
  readonly kafka: KafkaConfig
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
  readonly wsMaxMessageBytes: number
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

/** Where the `sluice` command finds a gateway: of no meaning to the gateway, and often set where one is started. */
const COMMAND_URL = 'SLUICE_URL'

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
    const result = schema.safeParse(env[name] === '' ? undefined : env[name])
    if (result.success) values[name] = result.data
    else problems.push(`${name}: expected ${result.error.issues.map((issue) => issue.message).join('; ')}`)
  }
  for (const name of Object.keys(env)) {
    if (name in settings || name === COMMAND_URL) continue
    if (name.startsWith('SLUICE_')) problems.push(`${name}: no such setting${didYouMean(name)}`)
    else if (name.startsWith('KAFKA_')) warnings.push(`${name} is not a setting of Sluice and was ignored`)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const s = values as Settings
  if (s.SLUICE_GROUP_GRACE_MS > s.SLUICE_GROUP_MAX_GRACE_MS)
    problems.push('SLUICE_GROUP_GRACE_MS: expected at most SLUICE_GROUP_MAX_GRACE_MS')
  const kafka = kafkaConfig(s, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze({
    host: s.SLUICE_HOST,
    port: s.SLUICE_PORT,
    workers: s.SLUICE_WORKERS,
    dataDir: s.SLUICE_DATA_DIR,
    kafkaPort: s.SLUICE_KAFKA_PORT,
    logLevel: s.SLUICE_LOG_LEVEL,
    shutdownTimeoutMs: s.SLUICE_SHUTDOWN_TIMEOUT_MS,
    allowedOrigins: s.SLUICE_ALLOWED_ORIGINS,
    kafka,
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
      wsMaxMessageBytes: s.SLUICE_WS_MAX_MESSAGE_BYTES,
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

function kafkaConfig(s: Settings, problems: string[]): KafkaConfig {
  const read = (
    name: 'KAFKA_TLS_CA_FILE' | 'KAFKA_TLS_CERT_FILE' | 'KAFKA_TLS_KEY_FILE',
  ): Buffer | undefined => {
    const path = s[name]
    if (path === undefined) return undefined
    if (!s.KAFKA_TLS) problems.push(`${name}: has no effect unless KAFKA_TLS is true`)
    try {
      return readFileSync(path)
    } catch {
      problems.push(`${name}: expected the path of a readable file`)
      return undefined
    }
  }
  const ca = read('KAFKA_TLS_CA_FILE')
  const cert = read('KAFKA_TLS_CERT_FILE')
  const key = read('KAFKA_TLS_KEY_FILE')
  if ((cert === undefined) !== (key === undefined) && problems.length === 0) {
    problems.push('KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE: expected both or neither')
  }
  const mechanism = s.KAFKA_SASL_MECHANISM
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password, KAFKA_SASL_TOKEN: token } = s
  if (mechanism === undefined) {
    if (username !== undefined || password !== undefined || token !== undefined) {
      problems.push(
        'KAFKA_SASL_MECHANISM: expected where KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD or KAFKA_SASL_TOKEN is set',
      )
    }
  } else if (mechanism === 'OAUTHBEARER') {
    if (token === undefined) problems.push('KAFKA_SASL_TOKEN: expected with KAFKA_SASL_MECHANISM=OAUTHBEARER')
  } else if (username === undefined || password === undefined) {
    problems.push(`KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: expected with KAFKA_SASL_MECHANISM=${mechanism}`)
  }
  return {
    brokers: s.KAFKA_BROKERS ?? [],
    clientId: s.KAFKA_CLIENT_ID,
    ...(s.KAFKA_TLS ? { tls: { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) } } : {}),
    ...(mechanism === undefined
      ? {}
      : {
          sasl: {
            mechanism,
            ...(username && { username }),
            ...(password && { password }),
            ...(token && { token }),
          },
        }),
  }
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
    // A Buffer's bytes cannot be frozen; nothing writes to the ones here.
    if (inner !== null && typeof inner === 'object' && !Buffer.isBuffer(inner)) deepFreeze(inner)
  }
  return Object.freeze(value)
}
