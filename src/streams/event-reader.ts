import type { Limits } from '../config/config.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { type Isolation, RecordReader, type RecordReaderOptions } from '../kafka/record-reader.ts'
import { SharedReader } from '../kafka/shared-reader.ts'

const MAX_FETCH_BYTES = 1_048_576

/** What a stream reads with. Its events may be shared with other streams: nobody changes them. */
export type EventReader = Pick<
  SharedReader,
  'assign' | 'unassign' | 'isCurrent' | 'next' | 'close' | 'trouble'
>

/** The reader of one client that reads what nobody else does, as a member of a group. */
export function openReader(cluster: Cluster, isolation: Isolation, limits: ReaderLimits): EventReader {
  return new RecordReader(cluster, optionsOf(isolation, limits))
}

/** The reader of one client that may read what others do. */
export function openSharedReader(cluster: Cluster, isolation: Isolation, limits: ReaderLimits): EventReader {
  return new SharedReader(cluster, optionsOf(isolation, limits))
}

type ReaderLimits = Pick<Limits, 'wsBufferBytes'>

/**
 * What a reader holds adds to what the client's socket has not taken, so it reads ahead little: a fetch answer, and the
 * next while that is sent.
 */
function optionsOf(isolation: Isolation, { wsBufferBytes }: ReaderLimits): RecordReaderOptions {
  const maxBytes = Math.min(MAX_FETCH_BYTES, wsBufferBytes)
  return { isolation, maxBytes, bufferBytes: wsBufferBytes / 4 }
}
