import * as client from '@platformatic/kafka'
import { createAPI, type Reader } from '@platformatic/kafka'
import { family } from './apis.ts'
import type { OffsetCommitTopic } from './group-apis.ts'

/** `key_type` of a transactional id in FindCoordinator. */
export const TRANSACTION_KEY = 1

interface PartitionErrors {
  readonly partitionIndex: number
  readonly partitionErrorCode: number
}

/** Arguments: one transaction with its partitions. Version 3 is the last that a client may use (KIP-890). */
export const addPartitionsToTxn = family<
  [
    transactions: {
      transactionalId: string
      producerId: bigint
      producerEpoch: number
      topics: { name: string; partitions: number[] }[]
    }[],
  ],
  { resultsByTransaction: { topicResults: { name: string; resultsByPartition: PartitionErrors[] }[] }[] }
>(client.addPartitionsToTxnV3)

/** Arguments: transactional id, producer id, epoch, group. */
export const addOffsetsToTxn = family<
  [transactionalId: string, producerId: bigint, producerEpoch: number, groupId: string],
  { errorCode: number }
>(client.addOffsetsToTxnV4, client.addOffsetsToTxnV3)

type TxnOffsetCommitArgs = [
  transactionalId: string,
  groupId: string,
  producerId: bigint,
  producerEpoch: number,
  generation: number,
  memberId: string,
  instanceId: null,
  topics: OffsetCommitTopic[],
]
interface TxnOffsetCommitAnswer {
  readonly topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[]
}

/** Arguments: transactional id, group, producer id, epoch, generation (-1), member id (''), instance id (null), topics. */
export const txnOffsetCommit = family<TxnOffsetCommitArgs, TxnOffsetCommitAnswer>(
  client.txnOffsetCommitV4,
  client.txnOffsetCommitV3,
)

const { createRequest: writeOffsets, parseResponse: readOffsets } = client.txnOffsetCommitV4

/** The same where the group is added to the transaction on the way (KIP-890): version 5, of the same wire form. */
export const txnOffsetCommitV2 = family<TxnOffsetCommitArgs, TxnOffsetCommitAnswer>({
  api: createAPI(28, 5, writeOffsets, readOffsets),
})

type EndTxnArgs = [transactionalId: string, producerId: bigint, producerEpoch: number, committed: boolean]

/** Arguments: transactional id, producer id, epoch, committed. */
export const endTxn = family<EndTxnArgs, { errorCode: number }>(client.endTxnV4, client.endTxnV3)

function readEnd(_correlationId: number, _key: number, _version: number, reader: Reader) {
  reader.readInt32() // throttle time
  return { errorCode: reader.readInt16(), producerId: reader.readInt64(), producerEpoch: reader.readInt16() }
}

/** The same, version 5: the answer has the producer id and epoch of the next transaction (KIP-890). */
export const endTxnV2 = family<EndTxnArgs, { errorCode: number; producerId: bigint; producerEpoch: number }>({
  api: createAPI(26, 5, client.endTxnV4.createRequest, readEnd),
})

/** Arguments: transactional ids (KIP-664). */
export const describeTransactions = family<
  [transactionalIds: string[]],
  {
    transactionStates: {
      errorCode: number
      transactionState: string
      transactionTimeoutMs: number
      /** -1n where none is open. */
      transactionStartTimeMs: bigint
      producerId: bigint
      producerEpoch: number
      /** Those of the transaction that is open. */
      topics: { topic: string; partitions: number[] }[]
    }[]
  }
>(client.describeTransactionsV0)
