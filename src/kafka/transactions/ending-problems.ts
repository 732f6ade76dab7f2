import { Problem } from '../../problems/problem.ts'
import { KafkaCode, kafkaErrorName, problemFromKafka } from '../errors.ts'

const fenced = new Set(
  [KafkaCode.INVALID_PRODUCER_EPOCH, KafkaCode.PRODUCER_FENCED, KafkaCode.INVALID_TXN_STATE].map(
    kafkaErrorName,
  ),
)

/** The error, or, where a client's id was taken over, that it was: by a later request that has the same to do. */
export function supersededOr(error: unknown, id: string | undefined): unknown {
  const problem = problemFromKafka(error)
  if (id === undefined || !fenced.has(String(problem.cause))) return error
  return new Problem('transaction_superseded', { cause: problem.cause })
}

/** The problem of a transaction of which nothing will ever be visible. */
export function aborted(error: unknown, transaction?: string): Problem {
  const { code, options } = problemFromKafka(error)
  return new Problem(code, {
    ...options,
    outcome: 'not_written',
    extra: { ...options.extra, ...(transaction === undefined ? {} : { transaction }), state: 'aborted' },
  })
}

/** The problem of one that may have been committed or not; with an id of the client's it can be sent again. */
export function unknown(transaction: string, repeatable: boolean): Problem {
  const found = `GET /v1/transactions/${transaction} says what became of it`
  const next = repeatable ? `Send the same request again, or ask: ${found}.` : `${found}.`
  return new Problem(repeatable ? 'write_unconfirmed' : 'outcome_unknown', {
    detail: `Kafka did not confirm the commit in time. ${next}`,
    outcome: 'unknown',
    extra: { transaction, state: 'unknown' },
  })
}
