import type { FetchedRecord } from '../../records/fetched-record.ts'
import type { TopicPartition } from '../topic-partition.ts'

/** Where to start reading: `topicId` as metadata gave it, so that a topic made again is never taken for this one. */
export interface PartitionPosition extends TopicPartition {
  readonly topicId: string
  readonly offset: number
}

export interface RecordsEvent extends TopicPartition {
  readonly kind: 'records'
  /** Never empty, by offset. */
  readonly records: FetchedRecord[]
  /** Where reading goes on, at least the last record's offset + 1. */
  readonly nextOffset: number
  /** The high watermark, or the last stable offset under read_committed; caught up where nextOffset has reached it. */
  readonly end: number
  /** Bytes of memory the records keep alive. */
  readonly bytes: number
}

/** The position moved without a record to show, or was found to be at the end for the first time. */
export interface ProgressEvent extends TopicPartition {
  readonly kind: 'progress'
  readonly nextOffset: number
  readonly end: number
}

export type LostReason = 'out_of_range' | 'topic_recreated' | 'topic_deleted' | 'not_authorized'

/** The position is gone; the partition is not read until assigned again. */
export interface LostEvent extends TopicPartition {
  readonly kind: 'lost'
  readonly reason: LostReason
  /** The bounds there are now, with out_of_range and topic_recreated, where the broker told them. */
  readonly earliest?: number
  readonly latest?: number
}

/** Twice read and twice not what Kafka's record format says; the partition is not read until assigned again. */
export interface CorruptEvent extends TopicPartition {
  readonly kind: 'corrupt'
  /** Of the first record that can't be read. */
  readonly offset: number
  readonly reason: string
}

export type ReaderEvent = RecordsEvent | ProgressEvent | LostEvent | CorruptEvent
