/** The states of a transactional id, by Kafka's own names (`TransactionState`). */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'PrepareEpochFence',
  'Dead',
] as const

export type TransactionState = (typeof transactionStates)[number] | 'Unknown'

/** A state that only a newer Kafka has is `Unknown`. */
export function toState(text: string): TransactionState {
  return transactionStates.find((state) => state === text) ?? 'Unknown'
}

/** In which a transaction is open, or being ended. */
export const underWay: readonly TransactionState[] = [
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'PrepareEpochFence',
]

/** Whether a transaction is open that an abort would end: one that is being ended is past that. */
export function isOpen(state: TransactionState): boolean {
  return state === 'Ongoing' || state === 'PrepareEpochFence'
}
