import type { PartitionLog, Seen } from './history.ts'

/** How it went, beside whether promises were kept. */
export interface Figures {
  readonly delivered: number
  /** Delivered more than once. */
  readonly repeated: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** From the end of a fault until every partition had brought what was written since then: the longest there was, ms. */
  readonly resumed: number
}

/** What of several consumers, each of which should have everything; delays from produce to first delivery are ms. */
export function figuresOf(
  histories: readonly (readonly Seen[])[],
  log: PartitionLog,
  faultEnds: readonly number[] = [],
): Figures {
  const delays: number[] = []
  let delivered = 0
  let repeated = 0
  let resumed = 0
  for (const history of histories) {
    const firsts = log.map((records) => new Float64Array(records.length))
    for (const seen of history) {
      if (seen.kind !== 'records') continue
      for (let n = 0; n < seen.values.length; n++) {
        const [own, offset] = [firsts[seen.partition]!, seen.offset + n]
        delivered++
        if (offset >= own.length) continue
        if (own[offset]! > 0) repeated++
        else {
          own[offset] = seen.at
          delays.push(seen.at - log[seen.partition]![offset]!.timestamp)
        }
      }
    }
    for (const end of faultEnds) resumed = Math.max(resumed, resumedAfter(end, firsts, log))
  }
  delays.sort((a, b) => a - b)
  const quantile = (q: number) => Math.round(delays[Math.floor((delays.length - 1) * q)] ?? 0)
  return { delivered, repeated, p50: quantile(0.5), p99: quantile(0.99), max: quantile(1), resumed }
}

function resumedAfter(end: number, firsts: readonly Float64Array[], log: PartitionLog): number {
  const ofPartitions = firsts.map((own, partition) => {
    const offset = log[partition]!.findIndex(({ timestamp }) => timestamp >= end)
    return offset < 0 || own[offset] === 0 ? 0 : own[offset]! - end
  })
  return Math.max(...ofPartitions)
}
