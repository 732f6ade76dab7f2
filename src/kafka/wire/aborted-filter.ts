import type { AbortedTransaction } from './fetch.ts'

/** Type of a control record that ends a transaction as aborted (Kafka's `ControlRecordType`). */
const ABORT_MARKER = 0

/**
 * Which batches belong to aborted transactions, as Kafka's own consumer finds it (`CompletedFetch.java`): going through
 * the log in order, a producer's records are aborted from the first offset of a listed transaction until its abort
 * marker. A producer may abort, commit and abort again within one answer, so its id alone says nothing.
 */
export class AbortedFilter {
  /** By first offset, those not reached yet. */
  readonly #ahead: AbortedTransaction[]
  #next = 0
  /** Producers whose transaction at this point of the log will be aborted. */
  readonly #aborting = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  }

  /** To be asked of every batch, in the log's order. `records` are the batch's, read only where it is a control batch. */
  isAborted(
    producerId: bigint,
    lastOffset: number,
    isTransactional: boolean,
    isControl: boolean,
    records: Buffer,
  ): boolean {
    for (; this.#next < this.#ahead.length; this.#next++) {
      const transaction = this.#ahead[this.#next]!
      if (transaction.firstOffset > lastOffset) break
      this.#aborting.add(transaction.producerId)
    }
    if (isControl) {
      if (controlType(records) === ABORT_MARKER) this.#aborting.delete(producerId)
      return false
    }
    return isTransactional && this.#aborting.has(producerId)
  }
}

/**
 * The type in the key of a control batch's one record: {version: INT16, type: INT16}. -1 where there is none.
 * Before the key stand five fields (length, attributes, timestamp delta, offset delta, key length), of which all but
 * the second are varints.
 */
function controlType(records: Buffer): number {
  let at = 0
  const skipVarint = () => {
    while (at < records.length && records[at++]! >= 0x80);
  }
  skipVarint()
  at++
  skipVarint()
  skipVarint()
  skipVarint()
  return at + 4 <= records.length ? records.readInt16BE(at + 2) : -1
}
