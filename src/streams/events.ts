import type { PartitionPosition, ReaderEvent } from '../kafka/record-reader.ts'
import type { Problem } from '../problems/problem.ts'
import type { TopicPartition } from '../kafka/topic-partition.ts'

type OfReader<K extends ReaderEvent['kind']> = Extract<ReaderEvent, { kind: K }>

/** Records of one partition, which other streams may be given too: nobody changes them. */
export type RecordsEvent = OfReader<'records'>

/** Reading goes on at another offset without a record to show. */
export type ProgressEvent = OfReader<'progress'>

/** Read from now on, from these offsets; comes before any of their records. */
export interface AssignedEvent {
  readonly kind: 'assigned'
  readonly positions: readonly PartitionPosition[]
}

/** Something that the reader has to know. Where it is final, nothing comes after it. */
export interface ProblemEvent {
  readonly kind: 'problem'
  readonly problem: Problem
  readonly final: boolean
}

/** Everything assigned has been read to the end that it had when it was assigned; once for each assignment. */
export interface CaughtUpEvent {
  readonly kind: 'caughtUp'
}

/** Not read any more: these topics are gone. */
export interface RevokedEvent {
  readonly kind: 'revoked'
  readonly partitions: readonly TopicPartition[]
}

/** What was asked for has been read; nothing comes after it. */
export interface EndEvent {
  readonly kind: 'end'
  readonly reason: EndReason
}

/** As many records as were wanted, or everything up to where reading was to end. */
export type EndReason = 'limit' | 'until'

/** What a stream says, in order. */
export type StreamEvent =
  RecordsEvent | ProgressEvent | AssignedEvent | RevokedEvent | ProblemEvent | CaughtUpEvent | EndEvent
