import { z } from 'zod'
import { authSettings } from '../auth/auth-config.ts'
import { clientLoginSettings } from './client-logins.ts'
import { allowedHostPattern } from '../http/allowed-host.ts'
import { isAddressRange } from '../http/client-address.ts'
import { kafkaSettings } from './kafka-config.ts'
import { flag, integer, list } from './setting.ts'
import { codecNames, parseTopicRules } from './topic-defaults.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

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
  PORT: integer(0, 65_535)
    .optional()
    .describe(
      'The same where SLUICE_PORT is not set: platforms such as Cloud Run, Knative and Heroku set it.',
    ),
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
  SLUICE_ACCESS_LOG: flag
    .prefault('false')
    .describe('Log a line for every request at level info; without it they are at level debug.'),
  SLUICE_AUDIT_LOG: z
    .string()
    .min(1, 'the path of a file, or stdout')
    .optional()
    .describe(
      'Where to keep the audit log: the path of a file, which is appended to and opened again on SIGHUP, or `stdout`. Without it there is none.',
    ),
  SLUICE_METRICS_PORT: integer(0, 65_535)
    .optional()
    .describe(
      'Port to serve Prometheus metrics on, at `/metrics`; of several workers the first, the others have those after it. 0 takes any free one. Without it they are not served.',
    ),
  SLUICE_METRICS_HOST: z
    .string()
    .min(1, 'a host name or address')
    .default('127.0.0.1')
    .describe('Address to serve metrics on. Whoever reaches it may read them.'),
  SLUICE_METRICS_TOPICS: integer(0, 100_000)
    .prefault('100')
    .describe(
      'Most topics, and most groups, that metrics tell apart by name; those that come later are `other`.',
    ),
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
  SLUICE_MAX_STREAMS_PER_PRINCIPAL: integer(0, 1_000_000)
    .prefault('0')
    .describe(
      'The same of one principal, and of one address where nobody has shown who they are; streams of records written over HTTP count, too. 0 is no limit. The policy may say otherwise for some.',
    ),
  SLUICE_MAX_CONNECTIONS_PER_ADDRESS: integer(0, 1_000_000)
    .prefault('0')
    .describe(
      'Most client connections at once from one address (IPv6: from one /64); one more is closed at once. 0 is no limit. Those of trusted proxies are not counted.',
    ),
  SLUICE_RATE_REQUESTS: integer(0, 1_000_000)
    .prefault('0')
    .describe(
      'Requests a second of one principal, and of one address where nobody has shown who they are; a WebSocket message is one. Past it a request is answered 429, a WebSocket is read no faster. 0 is no limit. The policy may say otherwise for some.',
    ),
  SLUICE_RATE_BYTES: integer(0, 1_000_000_000_000)
    .prefault('0')
    .describe(
      'The same in bytes of request bodies and WebSocket messages; a stream of records is read no faster.',
    ),
  SLUICE_RATE_READ_BYTES: integer(0, 1_000_000_000_000)
    .prefault('0')
    .describe(
      'The same in bytes of records read. Past it a read is answered 429; a stream and a WebSocket are sent records no faster.',
    ),
  SLUICE_RATE_BURST_SECONDS: integer(1, 3_600)
    .prefault('5')
    .describe('Seconds of these rates that may be used at once, by whoever has used less before.'),
  SLUICE_MAX_LOOP_DELAY_MS: integer(0, 60_000)
    .prefault('500')
    .describe(
      'Milliseconds that the event loop may be late, twice in a row, before requests are refused with 503 until it is not. 0 refuses none.',
    ),
  SLUICE_WS_MAX_MESSAGE_BYTES: integer(1_024, 104_857_600)
    .prefault('1114112')
    .describe('Largest message a WebSocket client may send, in bytes.'),
  SLUICE_WS_MESSAGE_MS: integer(1_000, 600_000)
    .prefault('60000')
    .describe(
      'Milliseconds that one message of a WebSocket client may take to come, all its fragments; past it the socket is closed with 1008.',
    ),
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
  SLUICE_DRAIN_DELAY_MS: integer(0, 600_000)
    .prefault('0')
    .describe(
      'Milliseconds after SIGTERM in which connections are still taken and served, while `/readyz` says that no more are to come: what it takes load balancers to notice.',
    ),
  SLUICE_SHUTDOWN_TIMEOUT_MS: integer(0, 600_000)
    .prefault('10000')
    .describe('Milliseconds a shutdown then waits for requests and streams before it cuts them.'),
  SLUICE_ALLOWED_ORIGINS: list
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
  SLUICE_ALLOWED_HOSTS: list
    .transform((hosts) => hosts.map((host) => host.toLowerCase()))
    .pipe(
      z.array(
        z
          .string()
          .regex(
            allowedHostPattern,
            'host names without ports, separated by commas, .NAME for all below it, or *',
          ),
      ),
    )
    .describe(
      'Names in `Host` that requests may be addressed to, beside those of this machine and SLUICE_HOST, separated by commas; `.example.com` is that name and all below it, `*` any. Without it: any, but on an address of this machine where nobody has to show who they are, no other.',
    ),
  SLUICE_TRUSTED_PROXIES: list
    .pipe(
      z.array(
        z.string().refine(isAddressRange, 'addresses and ranges such as 10.0.0.0/8, separated by commas'),
      ),
    )
    .describe(
      'Proxies in front of the gateway, by address or range, separated by commas: logs, and what is counted by address, have the client that these name in `X-Forwarded-For`. Nobody else is believed.',
    ),
  SLUICE_SECRET: z
    .string()
    .min(32, 'at least 32 characters')
    .optional()
    .describe(
      'What producer and resume tokens are signed with, the same for all replicas. Without it they share one that they keep in the topic `_sluice_secrets`. Secret.',
    ),
  ...authSettings,
  ...kafkaSettings,
  ...clientLoginSettings,
} as const satisfies Record<string, z.ZodType>

export type Settings = { [K in keyof typeof settings]: z.output<(typeof settings)[K]> }
