/** How a transaction was made: 2 as KIP-890 has it (each end bumps the epoch), 1 as before. */
export type Protocol = 1 | 2

/** What names one transaction: Kafka keeps the state of a transactional id's last one, and the epoch says which that is. */
export interface TransactionKey {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly protocol: Protocol
}

/** What the gateway's own transactional ids begin with; ACLs name it. */
export const ID_PREFIX = 'sluice-'

const marks = { committed: 'c', aborted: 'a' } as const

/**
 * A transaction as text, for clients: `ID.PRODUCER.EPOCH.MARK`. The mark is how it ended, where that was known when the
 * text was written: then Kafka need not be asked, and may have forgotten it. Else it is the protocol.
 */
export function keyText(key: TransactionKey, ended?: keyof typeof marks): string {
  const mark = ended === undefined ? key.protocol : marks[ended]
  return `${key.transactionalId}.${key.producerId}.${key.producerEpoch}.${mark}`
}

/** The reverse of keyText; undefined for any other text. */
export function parseKey(text: string): (TransactionKey & { ended?: keyof typeof marks }) | undefined {
  const match = /^(sluice-[a-z0-9]+-\d{1,9})\.(\d{1,18})\.(\d{1,5})\.([ac12])$/.exec(text)
  if (match === null) return undefined
  const [, transactionalId = '', producerId = '', epoch, mark] = match
  const key = { transactionalId, producerId: BigInt(producerId), producerEpoch: Number(epoch) }
  if (mark === 'c') return { ...key, protocol: 1, ended: 'committed' }
  if (mark === 'a') return { ...key, protocol: 1, ended: 'aborted' }
  return { ...key, protocol: mark === '2' ? 2 : 1 }
}

/**
 * What Kafka's state of a transactional id (DescribeTransactions, KIP-664) says of one of its transactions. `Prepare` is
 * as good as done: it is in the coordinator's log, and every coordinator after it completes it.
 */
export function stateOfKey(
  key: TransactionKey,
  told: { readonly transactionState: string; readonly producerId: bigint; readonly producerEpoch: number },
): 'committed' | 'aborted' | 'ongoing' {
  const bumped = key.protocol === 2 ? 1 : 0
  const isOwn = told.producerId === key.producerId && told.producerEpoch === key.producerEpoch
  if (told.producerId === key.producerId && told.producerEpoch === key.producerEpoch + bumped) {
    if (told.transactionState === 'PrepareCommit' || told.transactionState === 'CompleteCommit')
      return 'committed'
  }
  if (isOwn && (told.transactionState === 'Ongoing' || told.transactionState === 'Empty')) return 'ongoing'
  // Fenced by a later epoch, or aborted under its own: what was not committed by then never will be.
  return told.transactionState === 'PrepareEpochFence' || isFencing(key, told) ? 'ongoing' : 'aborted'
}

/** Kafka is about to abort it: the epoch has been raised, and the transaction is still open. */
function isFencing(
  key: TransactionKey,
  told: { readonly transactionState: string; readonly producerEpoch: number },
): boolean {
  return told.transactionState === 'Ongoing' && told.producerEpoch > key.producerEpoch
}
