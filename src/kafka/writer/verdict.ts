import { Problem } from '../../problems/problem.ts'
import { KafkaCode, kafkaErrorName, problemFromKafkaCode } from '../errors.ts'

/**
 * What the answer to a batch means.
 * `written`: it is in the log. `duplicate`: an earlier try is. `retry`: send the same bytes again. `renew`: this producer
 * id is of no more use here. `split`: too large as one batch. `refuse`: these records will never be taken.
 */
export type Verdict = 'written' | 'duplicate' | 'retry' | 'renew' | 'split' | 'refuse'

const verdicts: Record<number, Verdict> = {
  [KafkaCode.NONE]: 'written',
  // The broker has it already (KIP-98): an earlier try arrived and only its answer was lost.
  [KafkaCode.DUPLICATE_SEQUENCE_NUMBER]: 'duplicate',
  [KafkaCode.MESSAGE_TOO_LARGE]: 'split',
  [KafkaCode.RECORD_LIST_TOO_LARGE]: 'split',
  [KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER]: 'renew',
  [KafkaCode.UNKNOWN_PRODUCER_ID]: 'renew',
  [KafkaCode.INVALID_PRODUCER_EPOCH]: 'renew',
  [KafkaCode.PRODUCER_FENCED]: 'renew',
  [KafkaCode.INVALID_RECORD]: 'refuse',
  [KafkaCode.INVALID_TIMESTAMP]: 'refuse',
  [KafkaCode.CORRUPT_MESSAGE]: 'refuse',
  [KafkaCode.POLICY_VIOLATION]: 'refuse',
  [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: 'refuse',
  [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'refuse',
  [KafkaCode.INVALID_TOPIC_EXCEPTION]: 'refuse',
}

/** The verdict on an error number; what is not listed passes with time, or is `unknown` at the deadline. */
export function verdictOf(code: number): Verdict {
  return verdicts[code] ?? 'retry'
}

/**
 * Errors that Kafka answers before it appends anything. Every other one may come after the leader's own append:
 * NOT_LEADER_OR_FOLLOWER too, when leadership moves while acks=all waits (Kafka's `DelayedProduce`).
 */
const beforeAppend = new Set<number>([
  KafkaCode.MESSAGE_TOO_LARGE,
  KafkaCode.RECORD_LIST_TOO_LARGE,
  KafkaCode.NOT_ENOUGH_REPLICAS,
  KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  KafkaCode.UNKNOWN_PRODUCER_ID,
  KafkaCode.INVALID_PRODUCER_EPOCH,
  KafkaCode.PRODUCER_FENCED,
  KafkaCode.INVALID_RECORD,
  KafkaCode.INVALID_TIMESTAMP,
  KafkaCode.CORRUPT_MESSAGE,
  KafkaCode.POLICY_VIOLATION,
  KafkaCode.TOPIC_AUTHORIZATION_FAILED,
  KafkaCode.CLUSTER_AUTHORIZATION_FAILED,
  KafkaCode.INVALID_TOPIC_EXCEPTION,
  KafkaCode.UNKNOWN_TOPIC_OR_PARTITION,
  KafkaCode.FENCED_LEADER_EPOCH,
])

/** Whether a try that ended so can have put the batch in the log. */
export function mayHaveAppended(code: number): boolean {
  return !beforeAppend.has(code)
}

/** What a caller is told of a record that this error number kept out of the log. */
export function notWritten(code: number): Problem {
  if (code === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) {
    return unavailable(`The partition's leader is not known at the moment.`, kafkaErrorName(code))
  }
  const problem = problemFromKafkaCode(code)
  return new Problem(problem.code, { outcome: 'not_written', cause: kafkaErrorName(code) })
}

/** A record that was never sent, because Kafka could not be reached in time. */
export function unavailable(detail: string, cause?: unknown): Problem {
  return new Problem('kafka_unavailable', {
    detail,
    outcome: 'not_written',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** A record that may be in the log: bytes went out and no answer settled it. */
export function outcomeUnknown(cause?: unknown): Problem {
  return new Problem('outcome_unknown', { outcome: 'unknown', ...(cause === undefined ? {} : { cause }) })
}
