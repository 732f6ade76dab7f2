import * as client from '@platformatic/kafka'
import { createAPI, type Reader, Writer } from '@platformatic/kafka'
import { family } from './apis.ts'

type ListArgs = [states: string[], producerIds: bigint[], longerThanMs: bigint, pattern: string | null]
export interface ListTransactionsAnswer {
  readonly errorCode: number
  readonly transactionStates: { transactionalId: string; producerId: bigint; transactionState: string }[]
}

/** Arguments: states and producer ids, none for any; -1n; null. Of the transactional ids that the broker coordinates. */
export const listTransactions = family<ListArgs, ListTransactionsAnswer>(
  client.listTransactionsV2,
  client.listTransactionsV1,
  client.listTransactionsV0,
)

/** The same, for how long they have been open at least, ms (KIP-994): version 0 would pay no heed to it. */
export const listLongTransactions = family<ListArgs, ListTransactionsAnswer>(
  client.listTransactionsV2,
  client.listTransactionsV1,
)

export interface WireProducer {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** -1 where it has written nothing but markers. */
  readonly lastSequence: number
  readonly lastTimestamp: bigint
  /** Of the coordinator that wrote the last marker; -1 where there is none. */
  readonly coordinatorEpoch: number
  /** -1n where no transaction is open. */
  readonly currentTxnStartOffset: bigint
}

/** Arguments: partitions, of which the broker has a replica (KIP-664). */
export const describeProducers = family<
  [topics: { name: string; partitionIndexes: number[] }[]],
  {
    topics: {
      name: string
      partitions: {
        partitionIndex: number
        errorCode: number
        errorMessage: string | null
        activeProducers: WireProducer[]
      }[]
    }[]
  }
>(client.describeProducersV0)

/** The end of a producer's transaction in one partition. */
export interface AbortMarker {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly topic: string
  readonly partition: number
}

function writeMarker(marker: AbortMarker): Writer {
  return Writer.create()
    .appendArray([marker], (w, { producerId, producerEpoch, coordinatorEpoch, topic, partition }) => {
      w.appendInt64(producerId)
        .appendInt16(producerEpoch)
        .appendBoolean(false) // committed
        .appendArray([topic], (w) => {
          w.appendString(topic).appendArray([partition], (w) => void w.appendInt32(partition), true, false)
        })
        .appendInt32(coordinatorEpoch)
    })
    .appendTaggedFields()
}

function readMarker(_correlationId: number, _key: number, _version: number, reader: Reader) {
  const markers = reader.readArray((r) => {
    r.readInt64() // producer id
    return r.readArray((r) => {
      r.readString()
      return r.readArray((r) => {
        r.readInt32() // partition
        return r.readInt16()
      })
    })
  })
  return { errorCode: markers[0]![0]![0]! }
}

/** Arguments: marker. What a coordinator sends to the leader of each partition, and KIP-664 an administrator. */
export const writeAbortMarker = family<[marker: AbortMarker], { errorCode: number }>({
  api: createAPI(27, 1, writeMarker, readMarker),
})
