interface Edge {
  readonly to: number
  room: number
  readonly cost: number
  /** The edge the other way, which takes back what has gone along this one. */
  readonly back: () => Edge
}

/** Outweighs whatever copies cost. */
const FORCE = 1_000_000

/**
 * How many replicas have to be copied at least for brokers to hold as many as one another: the cost of the cheapest flow
 * from partitions to brokers, of which each takes its share and some one more. Found by successive shortest paths
 * (Bellman and Ford), which is slow and sure.
 * @param replicas node ids, by partition; of those that are no brokers nothing can stay
 * @param brokers node ids of those that may hold replicas, without racks
 */
export function fewestCopies(replicas: readonly (readonly number[])[], brokers: readonly number[]): number {
  const total = replicas.flat().length
  const share = Math.floor(total / brokers.length)
  const [source, sink] = [0, replicas.length + brokers.length + 1]
  const edges = Array.from({ length: sink + 1 }, (): Edge[] => [])
  const join = (from: number, to: number, room: number, cost: number) => {
    const forth: Edge = { to, room, cost, back: () => back }
    const back: Edge = { to: from, room: 0, cost: -cost, back: () => forth }
    edges[from]!.push(forth)
    edges[to]!.push(back)
  }
  for (const [i, held] of replicas.entries()) {
    join(source, 1 + i, held.length, 0)
    for (const [n, id] of brokers.entries())
      join(1 + i, 1 + replicas.length + n, 1, held.includes(id) ? 0 : 1)
  }
  for (const n of brokers.keys()) {
    join(1 + replicas.length + n, sink, share, -FORCE)
    join(1 + replicas.length + n, sink, 1, 0)
  }
  let cost = 0
  for (let placed = 0; placed < total; placed++) cost += pushOne(edges, source, sink)
  return cost + FORCE * share * brokers.length
}

/** Sends one along the cheapest way, and returns what that costs. */
function pushOne(edges: readonly (readonly Edge[])[], source: number, sink: number): number {
  const costs = edges.map(() => Infinity)
  const by: (Edge | undefined)[] = edges.map(() => undefined)
  costs[source] = 0
  for (let isOpen = true; isOpen;) {
    isOpen = false
    for (const [from, list] of edges.entries()) {
      for (const edge of list) {
        if (edge.room === 0 || costs[from]! + edge.cost >= costs[edge.to]!) continue
        costs[edge.to] = costs[from]! + edge.cost
        by[edge.to] = edge
        isOpen = true
      }
    }
  }
  for (let edge = by[sink]; edge !== undefined; edge = by[edge.back().to]) {
    edge.room--
    edge.back().room++
  }
  return costs[sink]!
}
