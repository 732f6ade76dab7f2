import type { Config } from '../config/config.ts'
import type { Settings } from '../config/settings.ts'

/** A limit that a setting says. */
export interface LimitRow {
  readonly setting: keyof Settings
  /** In GET /v1/limits. */
  readonly name: string
  readonly of: (config: Config) => number
  /** What is answered, or done, past it. */
  readonly past: string
  /** What it is there for. */
  readonly attack: string
}

const ofLimits = (
  name: keyof Config['limits'],
  setting: keyof Settings,
  past: string,
  attack: string,
): LimitRow => ({ setting, name, of: ({ limits }) => limits[name], past, attack })

/** Every limit that a setting says; docs/limits.md and the answer of GET /v1/limits are made from it. */
export const limitRows: readonly LimitRow[] = [
  // A request
  ofLimits(
    'maxBodyBytes',
    'SLUICE_MAX_BODY_BYTES',
    '413 `body_too_large`, nothing more is read; of a line of a stream `line_too_long`',
    'one huge request, with or without a Content-Length',
  ),
  ofLimits(
    'maxBatchRecords',
    'SLUICE_MAX_BATCH_RECORDS',
    '422 `too_many_records`',
    'a small body of very many records',
  ),
  ofLimits(
    'maxReadBytes',
    'SLUICE_MAX_READ_BYTES',
    '422 `invalid_parameter`',
    'a read of a whole topic into memory',
  ),
  ofLimits('maxReadRecords', 'SLUICE_MAX_READ_RECORDS', '422 `invalid_parameter`', 'the same'),
  ofLimits('maxWaitMs', 'SLUICE_MAX_WAIT_MS', '422 `invalid_parameter`', 'requests that hold connections'),
  // What one caller may take
  ofLimits(
    'rateRequests',
    'SLUICE_RATE_REQUESTS',
    '429 `rate_limited` before the body is read; a WebSocket is read no faster',
    'one caller that takes the gateway from the others',
  ),
  ofLimits(
    'rateBytes',
    'SLUICE_RATE_BYTES',
    'the same; a stream of records is read no faster',
    'the same, with few and large requests',
  ),
  ofLimits(
    'rateReadBytes',
    'SLUICE_RATE_READ_BYTES',
    '429 `rate_limited` before anything is read; streams and WebSockets are sent records no faster',
    'one reader that takes the network and Kafka from the others',
  ),
  ofLimits('rateBurstSeconds', 'SLUICE_RATE_BURST_SECONDS', 'as these', 'a burst after a long silence'),
  ofLimits(
    'maxStreamsPerPrincipal',
    'SLUICE_MAX_STREAMS_PER_PRINCIPAL',
    '429 `too_many_streams_of_caller`; a WebSocket that says by message who it is: 4529',
    'one caller that takes all streams',
  ),
  ofLimits(
    'maxConnectionsPerAddress',
    'SLUICE_MAX_CONNECTIONS_PER_ADDRESS',
    'closed at once',
    'one machine that takes all connections',
  ),
  {
    setting: 'SLUICE_FAILED_LOGINS',
    name: 'failedLogins',
    of: ({ auth }) => auth?.failedLogins ?? 0,
    past: '429 `too_many_failed_logins`, also to a right guess of a wrong form; right credentials are served',
    attack: 'guessing keys',
  },
  // The whole process
  ofLimits(
    'maxConnections',
    'SLUICE_MAX_CONNECTIONS',
    'closed at once',
    'connections that use up memory and file descriptors',
  ),
  ofLimits(
    'maxStreams',
    'SLUICE_MAX_STREAMS',
    '503 `too_many_streams`, before a WebSocket is one',
    'streams that use up memory',
  ),
  ofLimits(
    'produceBufferBytes',
    'SLUICE_PRODUCE_BUFFER_BYTES',
    '503 `overloaded`, before the body is read',
    'more records than Kafka takes, until memory is full',
  ),
  ofLimits(
    'produceBufferTopicBytes',
    'SLUICE_PRODUCE_BUFFER_TOPIC_BYTES',
    'the same',
    'one stuck topic that takes the buffer from the others',
  ),
  ofLimits(
    'maxLoopDelayMs',
    'SLUICE_MAX_LOOP_DELAY_MS',
    '503 `overloaded`, before the body is read; probes and what is under way are served',
    'more requests than the processor can serve: all would be answered too late',
  ),
  ofLimits(
    'maxTransactions',
    'SLUICE_MAX_TRANSACTIONS',
    '503 `overloaded`',
    'transactions that hold back readers',
  ),
  ofLimits(
    'produceTimeoutMs',
    'SLUICE_PRODUCE_TIMEOUT_MS',
    '504 `outcome_unknown`, or 503 where nothing was sent',
    'a Kafka that hangs',
  ),
  // Streams
  ofLimits(
    'streamIdleMs',
    'SLUICE_STREAM_IDLE_MS',
    '`request_timeout` in the last line',
    'a stream of records that brings nothing',
  ),
  ofLimits('wsMaxMessageBytes', 'SLUICE_WS_MAX_MESSAGE_BYTES', '1009', 'one huge message'),
  ofLimits(
    'wsMessageMs',
    'SLUICE_WS_MESSAGE_MS',
    '1008',
    'a message that never ends, of a client that answers pings',
  ),
  ofLimits(
    'wsBufferBytes',
    'SLUICE_WS_BUFFER_BYTES',
    'reading from Kafka pauses',
    'a client that reads slowly',
  ),
  ofLimits(
    'wsStallMs',
    'SLUICE_WS_STALL_MS',
    '4508 `slow_consumer`; over HTTP the connection is cut',
    'a client that does not read',
  ),
  ofLimits(
    'wsPingMs',
    'SLUICE_WS_PING_MS',
    'cut, after two of them',
    'a client that is gone and was not noticed',
  ),
  ofLimits(
    'wsProduceMessages',
    'SLUICE_WS_PRODUCE_MESSAGES',
    'nothing more is read of the socket, which is told `produceHeld`',
    'a flood of messages',
  ),
  ofLimits('wsProduceBytes', 'SLUICE_WS_PRODUCE_BYTES', 'the same', 'the same'),
  {
    setting: 'SLUICE_GROUP_MAX_GRACE_MS',
    name: 'groupMaxGraceMs',
    of: ({ group }) => group.maxGraceMs,
    past: '`invalid_subscription`, 4422',
    attack: 'partitions kept from a group by clients that are gone',
  },
  {
    setting: 'SLUICE_GROUP_MAX_AWAY',
    name: 'groupMaxAway',
    of: ({ group }) => group.maxAway,
    past: 'a member that drops leaves its group at once',
    attack: 'members that drop and are kept, until memory is full',
  },
  {
    setting: 'SLUICE_KAFKA_CLIENTS',
    name: 'kafkaClients',
    of: ({ kafka }) => kafka.clients?.limit ?? 0,
    past: '503 `too_many_kafka_clients` where all are in use; those that have been idle longest make room',
    attack: 'principals without end, each with connections of its own',
  },
  {
    setting: 'SLUICE_METRICS_TOPICS',
    name: 'metricsTopics',
    of: ({ metrics }) => metrics.topics,
    past: 'counted as `other`',
    attack: 'topics that are made to fill the metrics',
  },
]
