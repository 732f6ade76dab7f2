import {
  NetworkError,
  ResponseError,
  TimeoutError,
  UserError,
  protocolErrorsCodesById,
} from '@platformatic/kafka'
import { Problem } from '../problems/problem.ts'
import type { ProblemCode } from '../problems/problems.ts'

/** Kafka protocol error numbers that the gateway's own code branches on (Kafka's `Errors.java`). */
export const KafkaCode = {
  NONE: 0,
  UNKNOWN_SERVER_ERROR: -1,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  ILLEGAL_GENERATION: 22,
  INCONSISTENT_GROUP_PROTOCOL: 23,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  INVALID_SESSION_TIMEOUT: 26,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_SASL_MECHANISM: 33,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  SECURITY_DISABLED: 54,
  OPERATION_NOT_ATTEMPTED: 55,
  KAFKA_STORAGE_ERROR: 56,
  LOG_DIR_NOT_FOUND: 57,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  TOPIC_DELETION_DISABLED: 73,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  MEMBER_ID_REQUIRED: 79,
  PREFERRED_LEADER_NOT_AVAILABLE: 80,
  GROUP_MAX_SIZE_REACHED: 81,
  FENCED_INSTANCE_ID: 82,
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 83,
  ELECTION_NOT_NEEDED: 84,
  NO_REASSIGNMENT_IN_PROGRESS: 85,
  GROUP_SUBSCRIBED_TO_TOPIC: 86,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  RESOURCE_NOT_FOUND: 91,
  DUPLICATE_RESOURCE: 92,
  UNACCEPTABLE_CREDENTIAL: 93,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
  TRANSACTIONAL_ID_NOT_FOUND: 105,
  TRANSACTION_ABORTABLE: 120,
} as const

/** A Kafka error number's name, for logs. */
export function kafkaErrorName(code: number): string {
  return (protocolErrorsCodesById as Record<number, string>)[code] ?? `ERROR_${code}`
}

/** The first error in a client error's tree (itself, `errors`, `cause`) that fits. */
function findInTree(error: unknown, fits: (error: object) => boolean): object | undefined {
  if (error === null || typeof error !== 'object') return undefined
  if (fits(error)) return error
  for (const inner of (error as { errors?: unknown[] }).errors ?? []) {
    const found = findInTree(inner, fits)
    if (found !== undefined) return found
  }
  return findInTree((error as { cause?: unknown }).cause, fits)
}

/** The first Kafka protocol error number inside a client error, or undefined where it holds none. */
export function kafkaErrorCode(error: unknown): number | undefined {
  const found = findInTree(error, (e) => 'apiCode' in e) as { apiCode: number } | undefined
  return found?.apiCode
}

/** The response that a client error carries: its parsers throw when any part of a response has an error code. */
export function responseOf<T>(error: unknown): T | undefined {
  return error instanceof ResponseError ? (error as unknown as { response?: T }).response : undefined
}

/**
 * Kafka refused the gateway's credentials, or there are none to show. Its message says why, for the log: it holds no
 * secret.
 */
export class LoginError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LoginError'
  }
}

/** Kafka does not know the user, or the password or token is wrong. */
export class CredentialsRefused extends LoginError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CredentialsRefused'
  }
}

/** The same of credentials that are a client's own: it alone can mend it. */
export class ClientRefused extends LoginError {
  constructor(cause: CredentialsRefused) {
    super(cause.message, { cause })
    this.name = 'ClientRefused'
  }
}

/** A broker too old for a call the gateway needs. */
export class UnsupportedApiError extends Error {
  constructor(key: number) {
    super(
      `the broker speaks no version of API ${key} that the gateway does; Apache Kafka 3.1 or newer is needed`,
    )
    this.name = 'UnsupportedApiError'
  }
}

/** A call that provably never left the gateway, and why. */
export class NotSent extends Error {
  constructor(cause: unknown) {
    super('the call was not sent', { cause })
    this.name = 'NotSent'
  }
}

/** Of Node and OpenSSL, for a certificate or a TLS version that one of the two does not accept. */
const TLS_REFUSED =
  /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH|INVALID_)/

/** Kafka refused the gateway's credentials, or the two disagree on TLS: only the gateway's settings can mend it. */
export function isAuthenticationError(error: unknown): boolean {
  return findInTree(error, isRefusal) !== undefined
}

/** Kafka refused the credentials of the client in whose name it was asked. */
export function isClientRefused(error: unknown): boolean {
  return findInTree(error, (e) => e instanceof ClientRefused) !== undefined
}

function isRefusal(error: object): boolean {
  if (error instanceof LoginError) return true
  // The client's word for a broker that wants TLS, and for one that resets a TLS handshake: which may just be stopping.
  if (error instanceof UserError) return codeOf(error.cause) !== 'ECONNRESET'
  return TLS_REFUSED.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code ?? '')
}

/** What is at the bottom of an error, in words for the log. */
export function reasonOf(error: unknown): string {
  const refusal = findInTree(error, isRefusal) as Error | undefined
  const said = refusal ?? error
  if (!(said instanceof Error)) return String(said)
  const cause =
    said.cause instanceof Error && said instanceof LoginError ? `: ${deepest(said.cause).message}` : ''
  const code = codeOf(said)
  return `${said.message.trim()}${cause}${code === '' || code.startsWith('PLT_') ? '' : ` (${code})`}`
}

function deepest(error: Error): Error {
  return error.cause instanceof Error ? deepest(error.cause) : error
}

/** No answer from the broker: a closed or refused connection, a timeout. (A TimeoutError has NetworkError's code.) */
export function isConnectionError(error: unknown): boolean {
  return (
    !isAuthenticationError(error) &&
    findInTree(
      error,
      (e) =>
        e instanceof TimeoutError ||
        e instanceof NetworkError ||
        /^(E[A-Z]{3,}|PLT_KFK_NETWORK)$/.test(codeOf(e)),
    ) !== undefined
  )
}

const problemByKafkaCode: Record<number, ProblemCode> = {
  [KafkaCode.UNSUPPORTED_VERSION]: 'kafka_too_old',
  [KafkaCode.UNKNOWN_TOPIC_OR_PARTITION]: 'topic_not_found',
  [KafkaCode.UNKNOWN_TOPIC_ID]: 'topic_not_found',
  [KafkaCode.INVALID_TOPIC_EXCEPTION]: 'invalid_topic_name',
  [KafkaCode.TOPIC_ALREADY_EXISTS]: 'topic_exists',
  [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: 'kafka_authorization',
  [KafkaCode.GROUP_AUTHORIZATION_FAILED]: 'kafka_authorization',
  [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'kafka_authorization',
  [KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: 'kafka_authorization',
  [KafkaCode.MESSAGE_TOO_LARGE]: 'record_too_large',
  [KafkaCode.RECORD_LIST_TOO_LARGE]: 'record_too_large',
  [KafkaCode.NOT_ENOUGH_REPLICAS]: 'not_enough_replicas',
  [KafkaCode.INVALID_RECORD]: 'record_rejected',
  [KafkaCode.INVALID_TIMESTAMP]: 'record_rejected',
  [KafkaCode.CORRUPT_MESSAGE]: 'record_rejected',
  [KafkaCode.POLICY_VIOLATION]: 'policy_violation',
  [KafkaCode.INVALID_CONFIG]: 'invalid_topic_config',
  [KafkaCode.INVALID_PARTITIONS]: 'invalid_topic_config',
  [KafkaCode.INVALID_REPLICATION_FACTOR]: 'invalid_topic_config',
  [KafkaCode.INVALID_REPLICA_ASSIGNMENT]: 'invalid_topic_config',
  [KafkaCode.NO_REASSIGNMENT_IN_PROGRESS]: 'no_reassignment',
  [KafkaCode.PREFERRED_LEADER_NOT_AVAILABLE]: 'leader_unavailable',
  [KafkaCode.ELIGIBLE_LEADERS_NOT_AVAILABLE]: 'leader_unavailable',
  [KafkaCode.INVALID_REQUEST]: 'invalid_request',
  [KafkaCode.TOPIC_DELETION_DISABLED]: 'topic_deletion_disabled',
  [KafkaCode.GROUP_MAX_SIZE_REACHED]: 'group_full',
  [KafkaCode.INCONSISTENT_GROUP_PROTOCOL]: 'group_incompatible',
  [KafkaCode.INVALID_SESSION_TIMEOUT]: 'session_timeout_refused',
  [KafkaCode.INVALID_TRANSACTION_TIMEOUT]: 'transaction_timeout_refused',
  [KafkaCode.NON_EMPTY_GROUP]: 'group_active',
  [KafkaCode.GROUP_ID_NOT_FOUND]: 'group_not_found',
  [KafkaCode.GROUP_SUBSCRIBED_TO_TOPIC]: 'topic_subscribed',
  [KafkaCode.INVALID_GROUP_ID]: 'invalid_subscription',
  [KafkaCode.ILLEGAL_GENERATION]: 'stale_member',
  [KafkaCode.UNKNOWN_MEMBER_ID]: 'stale_member',
  [KafkaCode.FENCED_INSTANCE_ID]: 'superseded',
}

/** The problem a caller is told for a Kafka error number; anything not listed is the cluster's trouble, 503. */
export function problemFromKafkaCode(code: number, detail?: string, cause?: unknown): Problem {
  const name = problemByKafkaCode[code] ?? 'kafka_unavailable'
  return new Problem(name, {
    ...(detail === undefined ? {} : { detail }),
    cause: cause ?? kafkaErrorName(code),
  })
}

/** Translates anything the Kafka client throws into a problem; broker text and addresses stay in `cause`, for the log. */
export function problemFromKafka(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (isClientRefused(error)) {
    const detail = 'Kafka does not accept these credentials.'
    return new Problem('invalid_credentials', { detail, cause: error })
  }
  if (isAuthenticationError(error)) return new Problem('kafka_auth_failed', { cause: error })
  if (findInTree(error, (e) => e instanceof UnsupportedApiError) !== undefined)
    return new Problem('kafka_too_old', { cause: error })
  const code = kafkaErrorCode(error)
  if (code !== undefined) return problemFromKafkaCode(code, undefined, error)
  if (isConnectionError(error)) return new Problem('kafka_unavailable', { cause: error })
  return new Problem('internal_error', { cause: error })
}
