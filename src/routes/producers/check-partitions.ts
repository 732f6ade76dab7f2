import { Problem, type ProblemPart } from '../../problems/problem.ts'
import type { OutgoingRecord } from '../../records/record.ts'

/** @throws Problem invalid_request where a record names another partition than the producer's */
export function checkPartitions(records: readonly OutgoingRecord[], partition: number, batch: boolean): void {
  const reason = `the producer writes to partition ${partition} alone`
  const errors = records.flatMap(({ partition: named }, i): ProblemPart[] => {
    if (named === undefined || named === partition) return []
    return [{ pointer: batch ? `/records/${i}/partition` : '/partition', reason }]
  })
  if (errors.length === 0) return
  const detail = `${errors[0]!.pointer}: ${reason}.`
  throw new Problem('invalid_request', { detail, errors: errors.slice(0, 20) })
}
