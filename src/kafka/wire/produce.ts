import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { family } from './apis.ts'

/** One encoded batch and where it goes. */
export interface ProducePart {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer
}

export interface ProduceResult {
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset: bigint
  /** Milliseconds, or -1 where the topic keeps the record's own timestamp (CreateTime). */
  readonly logAppendTime: bigint
  /** Indexes of the guilty records within the batch (KIP-467). */
  readonly recordErrors: readonly number[]
}

export interface ProduceAnswer {
  readonly results: ReadonlyMap<string, ReadonlyMap<number, ProduceResult>>
  readonly throttleMs: number
}

/** Who must have a batch before the broker answers: all in-sync replicas, or one, the leader. */
export type Acks = 'all' | '1'

function writeRequest(
  parts: readonly ProducePart[],
  timeoutMs: number,
  acks: Acks = 'all',
  transactionalId: string | null = null,
): Writer {
  const topics = Map.groupBy(parts, (part) => part.topic)
  return Writer.create()
    .appendString(transactionalId)
    .appendInt16(acks === 'all' ? -1 : 1)
    .appendInt32(timeoutMs)
    .appendArray([...topics], (w, [topic, partitions]) => {
      w.appendString(topic).appendArray(partitions, (w, { partition, batch }) => {
        w.appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch)
      })
    })
    .appendTaggedFields()
}

function readAnswer(_correlationId: number, _key: number, _version: number, reader: Reader): ProduceAnswer {
  const topics = reader.readArray((r) => {
    const topic = r.readString()
    const partitions = r.readArray((r): [number, ProduceResult] => {
      const result = readResult(r)
      return [result.partition, result]
    })
    return [topic, new Map(partitions)] as const
  })
  return { results: new Map(topics), throttleMs: reader.readInt32() }
}

/** One partition's part of an answer: the same in all versions from 9. */
export function readResult(r: Reader): ProduceResult {
  const partition = r.readInt32()
  const errorCode = r.readInt16()
  const baseOffset = r.readInt64()
  const logAppendTime = r.readInt64()
  r.readInt64() // log start offset
  const recordErrors = r.readArray((r) => {
    const index = r.readInt32()
    r.readNullableString()
    return index
  })
  r.readNullableString()
  return { partition, errorCode, baseOffset, logAppendTime, recordErrors }
}

/** Produce, versions 9 to 12: one wire form, with topics by name. Partition errors are returned, not thrown. */
export const produce = family<[parts: readonly ProducePart[], timeoutMs: number, acks?: Acks], ProduceAnswer>(
  ...[12, 11, 10, 9].map((version) => ({ api: createAPI(0, version, writeRequest, readAnswer) })),
)

type TransactionalArgs = [
  parts: readonly ProducePart[],
  timeoutMs: number,
  acks: 'all',
  transactionalId: string,
]

/** Produce in a transaction whose partitions AddPartitionsToTxn has named: the versions before 12. */
export const produceInTransaction = family<TransactionalArgs, ProduceAnswer>(
  ...[11, 10, 9].map((version) => ({ api: createAPI(0, version, writeRequest, readAnswer) })),
)

/** Produce that adds its partitions to the transaction on the way (KIP-890). */
export const produceInTransactionV2 = family<TransactionalArgs, ProduceAnswer>({
  api: createAPI(0, 12, writeRequest, readAnswer),
})
