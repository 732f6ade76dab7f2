import type { IHeaders } from 'kafkajs'

/** A message as kafkajs decodes it, control records included. */
export interface RawMessage {
  readonly offset: string
  /** Epoch ms. */
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: IHeaders
  readonly batchContext: {
    readonly producerId: string
    readonly inTransaction: boolean
    readonly isControlBatch: boolean
  }
}

/**
 * Tells the committed records of one partition from the aborted ones by the markers that end transactions. kafkajs does
 * that by the broker's list of aborted transactions, and lets records of one through where two that were aborted overlap.
 */
export class CommittedRecords {
  #next = 0n
  readonly #open = new Map<string, RawMessage[]>()

  /** Takes the next messages of the log; returns those of which it is known now that they are committed. */
  take(messages: readonly RawMessage[]): RawMessage[] {
    const committed: RawMessage[] = []
    for (const message of messages) {
      // A batch comes again where a fetch begins in its midst.
      if (BigInt(message.offset) < this.#next) continue
      this.#next = BigInt(message.offset) + 1n
      const { producerId, inTransaction, isControlBatch } = message.batchContext
      const open = this.#open.get(producerId)
      if (isControlBatch) {
        this.#open.delete(producerId)
        if (isCommit(message)) committed.push(...(open ?? []))
      } else if (!inTransaction) committed.push(message)
      else if (open === undefined) this.#open.set(producerId, [message])
      else open.push(message)
    }
    return committed
  }
}

/** The key of a marker: version and type, where 0 is abort and 1 commit (Kafka's `ControlRecordType`). */
function isCommit({ key }: RawMessage): boolean {
  return key !== null && key.readInt16BE(2) === 1
}
