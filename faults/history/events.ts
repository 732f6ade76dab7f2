/** What clients did and saw, a line each. Times are ms of the machine's monotonic clock, which all its processes share. */
export type HistoryEvent = { readonly at: number; readonly client: string } & (
  SendInvoked | SendDone | AskInvoked | AskDone | Sight | FaultOver
)

/** One without when it was. */
export type Untimed = HistoryEvent extends infer E ? (E extends HistoryEvent ? Omit<E, 'at'> : never) : never

/** Records are sent: of each its topic and the id that is in it, which is unique in a run. */
export interface SendInvoked {
  readonly type: 'invoke'
  readonly f: 'send'
  /** Of its client, with its answer. */
  readonly op: number
  readonly route: string
  readonly records: readonly (readonly [topic: string, id: string])[]
  /** Whether they stand or fall together. */
  readonly isUnit?: true
}

/** `ok` where all were written, `fail` where provably none was, else `info`. Without it nothing is known of them. */
export interface SendDone {
  readonly type: 'ok' | 'fail' | 'info'
  readonly f: 'send'
  readonly op: number
  /** In the order in which they were sent. */
  readonly results: readonly SendResult[]
  /** The longest that a request had to wait, ms: some routes repeat theirs until it is answered. */
  readonly longestMs: number
}

export interface SendResult {
  readonly outcome: 'written' | 'not_written' | 'unknown'
  readonly code?: string
  readonly partition?: number
  /** Null or absent where it is not known. */
  readonly offset?: number | null
}

/** Something is asked for that changes nothing. */
export interface AskInvoked {
  readonly type: 'invoke'
  readonly f: 'ask'
  readonly op: number
  readonly route: string
}

/** `ok` with a success, `fail` with another answer, `info` with none. */
export interface AskDone {
  readonly type: 'ok' | 'fail' | 'info'
  readonly f: 'ask'
  readonly op: number
  readonly longestMs: number
  readonly code?: string
}

/**
 * What one connection of a consumer saw or did. Offsets of `assigned`, `acked` and `committed` are those of the next record,
 * as Kafka counts them.
 */
export type Sight = {
  readonly type: 'ok' | 'info'
  /** Set apart from all others, also of the same client. */
  readonly connection: string
  readonly group?: string
} & (
  | { readonly f: 'assigned' | 'acked' | 'committed'; readonly place: Place }
  | { readonly f: 'revoked'; readonly place: Omit<Place, 'offset'> }
  /** Records of one partition, in the order in which they came. */
  | {
      readonly f: 'poll'
      readonly topic: string
      readonly partition: number
      readonly records: readonly PolledRecord[]
    }
  /** Told that a position is gone, and where it goes on: nothing that is passed over then is skipped silently. */
  | { readonly f: 'told'; readonly code?: string }
  | { readonly f: 'closed'; readonly code?: string }
)

/** Something was broken, and all is well again. */
export interface FaultOver {
  readonly type: 'info'
  readonly f: 'fault'
  readonly name: string
  readonly began: number
  /** Where a gateway was stopped or stood still: nobody can answer in time there. */
  readonly isGateway?: true
}

export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** Where it was, who it is, and a digest of all that is in it. */
export type PolledRecord = readonly [offset: number, id: string, digest: string]

/** Now, on the clock of the history. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
