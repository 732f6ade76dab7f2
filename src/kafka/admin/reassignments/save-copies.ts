import type { Move } from './shift-load.ts'

/**
 * Finds ways to copy less while the loads stay as even as they are: rounds on which replicas are handed from broker to
 * broker, which come out with fewer copies than before (negative cycles, found as Bellman and Ford do). Between a broker
 * and another with one less, the odd one may change its place for nothing.
 * @param copies how many copies more handing one on makes, at least -1; undefined where none can be
 */
export function saveCopies(
  loads: ReadonlyMap<number, number>,
  copies: (from: number, to: number) => number | undefined,
  move: Move,
): void {
  const brokers = [...loads.keys()]
  for (;;) {
    const edges = brokers.flatMap((from) =>
      brokers.flatMap((to): Edge[] => {
        const swaps = loads.get(to)! - loads.get(from)! === 1
        const cost = copies(from, to)
        return [
          ...(swaps ? [{ from, to, cost: 0, real: false }] : []),
          ...(cost === undefined ? [] : [{ from, to, cost, real: true }]),
        ]
      }),
    )
    if (!edges.some(({ cost }) => cost < 0)) return
    const round = negativeRound(brokers, edges)
    // What is handed on early in a round may be in the way later: then it is left as it is.
    if (round === undefined || !handOn(round, copies, move)) return
  }
}

interface Edge {
  readonly from: number
  readonly to: number
  readonly cost: number
  /** Whether a replica is handed on. */
  readonly real: boolean
}

function negativeRound(brokers: readonly number[], edges: readonly Edge[]): Edge[] | undefined {
  const costs = new Map(brokers.map((id) => [id, 0]))
  const cameBy = new Map<number, Edge>()
  let last: number | undefined
  for (let turn = 0; turn <= brokers.length; turn++) {
    last = undefined
    for (const edge of edges) {
      const cost = costs.get(edge.from)! + edge.cost
      if (cost >= costs.get(edge.to)!) continue
      costs.set(edge.to, cost)
      cameBy.set(edge.to, edge)
      last = edge.to
    }
    if (last === undefined) return undefined
  }
  // Far enough back it is on the round itself.
  let at = last!
  for (let i = 0; i < brokers.length; i++) at = cameBy.get(at)!.from
  const round: Edge[] = []
  do {
    const edge: Edge = cameBy.get(round[0]?.from ?? at)!
    round.unshift(edge)
  } while (round[0]!.from !== at)
  return round
}

/** Hands replicas on along the real edges, which follow one another in the round; all, or none where that saves nothing. */
function handOn(
  round: readonly Edge[],
  copies: (from: number, to: number) => number | undefined,
  move: Move,
): boolean {
  const undo: (() => void)[] = []
  let sum = 0
  for (const { from, to, real } of round) {
    if (!real) continue
    sum += copies(from, to) ?? 0
    const back = move(from, to)
    if (back === undefined) {
      sum = 0
      break
    }
    undo.push(back)
  }
  if (sum < 0) return true
  for (const back of undo.reverse()) back()
  return false
}
