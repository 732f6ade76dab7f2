/** Hands one on; what undoes it, or undefined where it cannot be done any more. */
export type Move = (from: number, to: number) => (() => void) | undefined

/**
 * Makes loads even: as long as some broker has at least two more than another that is within reach, one is handed on
 * along the shortest way between them, which may lead over others. Each step lowers the sum of squares, so it ends.
 * @param loads by broker, kept up to date by `move`
 * @param reach those that a broker can hand one to, the emptiest first
 */
export function shiftLoad(
  loads: ReadonlyMap<number, number>,
  reach: (from: number) => Iterable<number>,
  move: Move,
): void {
  const loadOf = (broker: number) => loads.get(broker) ?? 0
  for (let moved = true; moved;) {
    moved = false
    // The fullest first; each is emptied as far as it goes.
    for (const from of [...loads.keys()].sort((a, b) => loadOf(b) - loadOf(a) || a - b)) {
      for (let way = findWay(from, loadOf, reach); way !== undefined; way = findWay(from, loadOf, reach)) {
        if (!moveAlong(way, move)) break
        moved = true
      }
    }
  }
}

/** The shortest way, by the emptiest brokers first, to one that has at least two less. */
function findWay(
  from: number,
  loadOf: (broker: number) => number,
  reach: (from: number) => Iterable<number>,
): number[] | undefined {
  const cameFrom = new Map<number, number | undefined>([[from, undefined]])
  // Grows while it is gone through.
  for (const broker of cameFrom.keys()) {
    for (const to of reach(broker)) {
      if (cameFrom.has(to)) continue
      cameFrom.set(to, broker)
      if (loadOf(from) - loadOf(to) < 2) continue
      const way = [to]
      for (let at = cameFrom.get(to); at !== undefined; at = cameFrom.get(at)) way.unshift(at)
      return way
    }
  }
  return undefined
}

/** From the far end back, so that no broker holds more meanwhile. What cannot be done to its start is undone. */
function moveAlong(way: readonly number[], move: Move): boolean {
  const undo: (() => void)[] = []
  for (let i = way.length - 1; i > 0; i--) {
    const undone = move(way[i - 1]!, way[i]!)
    if (undone === undefined) {
      for (const back of undo.reverse()) back()
      return false
    }
    undo.push(undone)
  }
  return true
}
