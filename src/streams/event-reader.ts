import type { Limits } from '../config.ts'
import type { Cluster } from '../kafka/cluster.ts'
import { type Isolation, RecordReader } from '../kafka/record-reader.ts'

const MAX_FETCH_BYTES = 1_048_576

/** What a stream reads with. Its events may be shared with other streams: nobody changes them. */
export type EventReader = Pick<RecordReader, 'assign' | 'unassign' | 'seek' | 'next' | 'close' | 'trouble'>

/**
 * The reader of one client. What it holds adds to what the client's socket has not taken, so it reads ahead little: a fetch
 * answer, and the next while that is sent.
 */
export function openReader(
  cluster: Cluster,
  isolation: Isolation,
  { wsBufferBytes }: Pick<Limits, 'wsBufferBytes'>,
): EventReader {
  const maxBytes = Math.min(MAX_FETCH_BYTES, wsBufferBytes)
  return new RecordReader(cluster, { isolation, maxBytes, bufferBytes: wsBufferBytes / 4 })
}
