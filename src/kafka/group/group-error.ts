import { Problem } from '../../problems/problem.ts'
import {
  isAuthenticationError,
  isConnectionError,
  KafkaCode,
  kafkaErrorName,
  problemFromKafka,
  problemFromKafkaCode,
} from '../errors.ts'

/** A group call was answered with an error number. */
export class GroupError extends Error {
  readonly call: string
  readonly code: number

  constructor(call: string, code: number) {
    super(`${call}: ${kafkaErrorName(code)}`)
    this.name = 'GroupError'
    this.call = call
    this.code = code
  }
}

/** What the member was waiting for no longer matters: it left, or lost its place in the group. */
export class Abandoned extends Error {
  constructor(why: string) {
    super(why)
    this.name = 'Abandoned'
  }
}

/** A callback of the member's user failed. */
export class HandlerError extends Error {
  constructor(cause: unknown) {
    super('a group callback failed', { cause })
    this.name = 'HandlerError'
  }
}

/** Answers after which trying again changes nothing: somebody must change a setting, an ACL or the group. */
const fatal: ReadonlySet<number> = new Set([
  KafkaCode.INCONSISTENT_GROUP_PROTOCOL,
  KafkaCode.INVALID_GROUP_ID,
  KafkaCode.INVALID_SESSION_TIMEOUT,
  KafkaCode.GROUP_AUTHORIZATION_FAILED,
  KafkaCode.TOPIC_AUTHORIZATION_FAILED,
  KafkaCode.GROUP_MAX_SIZE_REACHED,
  KafkaCode.FENCED_INSTANCE_ID,
])

/** The problem that ends the membership, or undefined where it makes sense to go on. */
export function fatalProblem(error: unknown, started: boolean): Problem | undefined {
  if (error instanceof GroupError) return fatal.has(error.code) ? problemOf(error) : undefined
  // A password that is being changed under a running member comes right again; one that is wrong at the start does not.
  const refused =
    isAuthenticationError(error) || (error instanceof Problem && error.code === 'kafka_auth_failed')
  if (refused) return started ? undefined : problemOf(error)
  if (error instanceof Problem) {
    return error.row.retryable && error.code !== 'shutting_down' ? undefined : error
  }
  return isConnectionError(error) ? undefined : problemOf(error)
}

/** What a client is told of an error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof GroupError) return problemFromKafkaCode(error.code, undefined, error)
  return problemFromKafka(error instanceof HandlerError ? error.cause : error)
}
