interface CheckRow {
  readonly group: string
  /** What is looked at, and what must be so, for docs/doctor.md. */
  readonly looksAt: string
}

const settings = 'Settings'
const files = 'Files'
const listener = 'Listener'
const machine = 'Machine'
const way = 'Way to Kafka'
const cluster = 'Cluster'
const durability = 'What Kafka keeps'
const limits = 'Limits'
const rights = 'Rights at Kafka'
const others = 'Other services'

/**
 * Every check, in the order in which they are told. docs/doctor.md is generated from this table; a check that is not in it
 * cannot be made.
 */
export const checks = {
  settings: {
    group: settings,
    looksAt:
      'Every variable, as the start reads them: what is not understood, contradicts another or has no effect, all at once.',
  },
  acks: {
    group: settings,
    looksAt:
      '`SLUICE_PRODUCE_ACKS` and `SLUICE_TOPIC_DEFAULTS`: what the leader alone has may be lost with it.',
  },
  'keys-file': {
    group: files,
    looksAt: '`SLUICE_API_KEYS_FILE` can be read and used; keys that have ended, or end within 30 days.',
  },
  'policy-file': { group: files, looksAt: '`SLUICE_POLICY_FILE` can be read and used.' },
  'secret-files': {
    group: files,
    looksAt: 'Files of keys, passwords and tokens may be read by their owner and group alone.',
  },
  'listener-certificate': {
    group: files,
    looksAt:
      '`SLUICE_TLS_CERT_FILE`, `SLUICE_TLS_KEY_FILE` and `SLUICE_TLS_CLIENT_CA_FILE`: readable, certificate and key fit, not expired and not within 30 days, for a name, and for `SLUICE_HOST` where that is one.',
  },
  'kafka-certificate': {
    group: files,
    looksAt: '`KAFKA_TLS_CERT_FILE` and `KAFKA_TLS_CA_FILE`: not expired, and not within 30 days.',
  },
  'audit-log': { group: files, looksAt: '`SLUICE_AUDIT_LOG` can be appended to, or made.' },
  exposure: {
    group: listener,
    looksAt: 'Who can reach the port without showing who they are, or has to show it without TLS.',
  },
  port: {
    group: listener,
    looksAt: '`SLUICE_PORT` is free, or a gateway listens there already: then whether it is ready.',
  },
  'metrics-port': { group: listener, looksAt: 'The same of `SLUICE_METRICS_PORT`.' },
  'open-files': {
    group: machine,
    looksAt: 'Files that the process may have open, against `SLUICE_MAX_CONNECTIONS` (Linux).',
  },
  memory: {
    group: machine,
    looksAt:
      "The container's memory, or the machine's, against the buffers: `SLUICE_PRODUCE_BUFFER_BYTES`, and `SLUICE_MAX_STREAMS` times `SLUICE_WS_BUFFER_BYTES`, for each of `SLUICE_WORKERS`.",
  },
  bootstrap: {
    group: way,
    looksAt:
      'Each address in `KAFKA_BROKERS`: its name, TCP, TLS (chain, host name, expired or within 30 days), login.',
  },
  advertised: {
    group: way,
    looksAt:
      'The same of each broker at the address it advertises, where clients go once they are in (`advertised.listeners`).',
  },
  brokers: { group: cluster, looksAt: 'At least three brokers, all in service.' },
  versions: {
    group: cluster,
    looksAt: 'Each broker speaks what the gateway needs (Kafka 3.1 or newer), and all are of one version.',
  },
  features: {
    group: cluster,
    looksAt: '`transaction.version` is 2 (KIP-890), so that no transaction is left hanging.',
  },
  clock: {
    group: cluster,
    looksAt:
      "This machine's clock against that of the active controller, the only one that Kafka tells without a record being written (3.3 or newer).",
  },
  'new-topics': {
    group: durability,
    looksAt:
      '`default.replication.factor` is at least 3, `min.insync.replicas` at least 2 and less than that, for topics that say neither.',
  },
  'kafka-topics': {
    group: durability,
    looksAt:
      "The topics of offsets, of transactions and of the gateway's secret have three replicas, and can be written with one broker away.",
  },
  'unclean-elections': {
    group: durability,
    looksAt: '`unclean.leader.election.enable` is false, for the brokers and each topic.',
  },
  'auto-create': {
    group: durability,
    looksAt: '`auto.create.topics.enable` is false: the gateway makes no topic by accident, others may.',
  },
  partitions: {
    group: durability,
    looksAt: 'Each partition has a leader, as many replicas in sync as writing takes, and all of them.',
  },
  topics: {
    group: durability,
    looksAt:
      'Each topic has three replicas, and `min.insync.replicas` of 2 or more and less than it has replicas.',
  },
  'record-size': {
    group: limits,
    looksAt: '`message.max.bytes` against `SLUICE_MAX_BODY_BYTES` and `SLUICE_WS_MAX_MESSAGE_BYTES`.',
  },
  'group-timeouts': {
    group: limits,
    looksAt:
      '`SLUICE_GROUP_SESSION_TIMEOUT_MS` is between `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.',
  },
  'transaction-timeout': {
    group: limits,
    looksAt:
      '`transaction.max.timeout.ms` is not below `SLUICE_PRODUCE_TIMEOUT_MS` and the 5 s that an end takes.',
  },
  'producer-expiry': {
    group: limits,
    looksAt:
      '`producer.id.expiration.ms` and `transactional.id.expiration.ms`: how long an exactly-once PUT, or a transaction with an `id`, may be repeated. At least an hour.',
  },
  'may-write': { group: rights, looksAt: 'WRITE on the topics there are: to produce.' },
  'may-read': { group: rights, looksAt: 'READ on the topics there are: to read, with a group or without.' },
  'may-use-groups': { group: rights, looksAt: 'READ on groups of any name: to read as a member of one.' },
  'may-use-transactions': {
    group: rights,
    looksAt: 'DESCRIBE on transactional ids that begin with `sluice-`.',
  },
  'may-keep-secret': {
    group: rights,
    looksAt:
      'Where `SLUICE_SECRET` is not set: READ and WRITE on the topic `_sluice_secrets`, or CREATE on the cluster to make it.',
  },
  'may-administer': {
    group: rights,
    looksAt:
      'CREATE, ALTER, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS on the cluster: for administration over HTTP.',
  },
  'identity-provider': {
    group: others,
    looksAt:
      "The keys of each of `SLUICE_JWT_ISSUERS`, and this machine's clock against the provider's `Date`.",
  },
  traces: { group: others, looksAt: 'Something takes OTLP over HTTP at `OTEL_EXPORTER_OTLP_ENDPOINT`.' },
} as const satisfies Record<string, CheckRow>

export type CheckName = keyof typeof checks
export const checkNames = Object.keys(checks) as readonly CheckName[]
