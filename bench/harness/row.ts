/** A number that must not be passed, in words and as the outcome of this run. */
export interface Hold {
  readonly text: string
  readonly met: boolean
}

/** One line of the table: a figure, what it is compared with, and what it must hold. */
export interface Row {
  readonly benchmark: string
  readonly what: string
  readonly unit: string
  readonly figure: number
  /** What did the same in the same minutes. */
  readonly baseline?: {
    readonly what: string
    readonly figure: number
    readonly cpuMicros?: number | undefined
  }
  /** Figure through baseline. */
  readonly ratio?: number
  /** Most memory of what was measured (the gateway, but for `client`), under this load. */
  readonly rssMb?: number | undefined
  /** Its time on the processors, for each record. */
  readonly cpuMicros?: number | undefined
  readonly hold?: Hold
  /** Every round as it was measured. */
  readonly rounds?: unknown
}

/** Met where any of the conditions is. */
export function hold(text: string, ...conditions: readonly boolean[]): Hold {
  return { text, met: conditions.includes(true) }
}
