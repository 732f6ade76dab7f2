import type { PlanBroker } from './plan.ts'
import { shiftLoad } from './shift-load.ts'
import { saveCopies } from './save-copies.ts'

/** Which brokers hold the replicas of each partition, while a plan is made. */
export class Placement {
  readonly #brokers: readonly number[]
  /** Of each broker; itself where not all have one, so that racks weigh nothing. */
  readonly #racks: ReadonlyMap<number, string>
  readonly #before: readonly ReadonlySet<number>[]
  /** By partition, as given. */
  readonly #replicas: Set<number>[]
  /** How many of a partition's replicas each rack has, by partition. */
  readonly #rackCounts: Map<string, number>[]
  /** The partitions that each broker holds a replica of. */
  readonly #held: Map<number, Set<number>>
  /** Of these, those it has to copy; and those it held before and no longer does. */
  readonly #copied: Map<number, Set<number>>
  readonly #given: Map<number, Set<number>>
  readonly #loads: Map<number, number>
  /** Whether any partition has more in one rack than in another: none else can leave a rack and be spread as well. */
  #mayCross = true

  constructor(brokers: readonly PlanBroker[], before: readonly (readonly number[])[]) {
    this.#brokers = brokers.map(({ id }) => id)
    const isRacked = brokers.every(({ rack }) => rack !== null)
    this.#racks = new Map(brokers.map(({ id, rack }) => [id, isRacked ? rack! : String(id)]))
    this.#before = before.map((replicas) => new Set(replicas))
    const none = () => new Map(this.#brokers.map((id) => [id, new Set<number>()]))
    ;[this.#held, this.#copied, this.#given] = [none(), none(), none()]
    this.#loads = new Map(this.#brokers.map((id) => [id, 0]))
    this.#replicas = before.map(() => new Set())
    this.#rackCounts = before.map(() => new Map<string, number>())
    for (const [i, replicas] of before.entries()) {
      for (const broker of replicas) if (this.#held.has(broker)) this.#add(i, broker)
    }
  }

  get replicas(): readonly ReadonlySet<number>[] {
    return this.#replicas
  }

  /** Gives a partition so many replicas. Those it has stay wherever that is enough. */
  fit(i: number, count: number): void {
    const replicas = this.#replicas[i]!
    while (replicas.size > count) {
      this.#remove(
        i,
        best([...replicas], (b) => [-this.#inRack(i, b), -this.#load(b), -b]),
      )
    }
    while (replicas.size < count) {
      const free = this.#brokers.filter((b) => !replicas.has(b))
      this.#add(
        i,
        best(free, (b) => [this.#inRack(i, b), this.#load(b), b]),
      )
    }
  }

  /** Spreads a partition over as many racks as there are, as evenly as they allow. */
  spread(i: number): void {
    const replicas = this.#replicas[i]!
    for (;;) {
      const from = best([...replicas], (b) => [-this.#inRack(i, b), -this.#load(b), -b])
      const most = this.#inRack(i, from)
      const free = this.#brokers.filter((b) => !replicas.has(b) && most - this.#inRack(i, b) >= 2)
      if (free.length === 0) return
      this.#add(
        i,
        best(free, (b) => [this.#inRack(i, b), this.#load(b), b]),
      )
      this.#remove(i, from)
    }
  }

  /** Makes the brokers hold as many replicas as one another, as far as racks allow, and then copies the least for it. */
  balance(): void {
    const move = (from: number, to: number) => {
      const i = this.#cheapest(from, to)?.partition
      if (i === undefined) return undefined
      this.#replace(i, from, to)
      return () => this.#replace(i, to, from)
    }
    const racks = [...new Set(this.#racks.values())]
    this.#mayCross = this.#rackCounts.some((counts) => {
      const values = racks.map((rack) => counts.get(rack) ?? 0)
      return values.some((value) => value !== values[0])
    })
    const emptiest = (a: number, b: number) => this.#load(a) - this.#load(b) || a - b
    const cheapest = (from: number, to: number) => this.#cheapest(from, to)
    function* reach(brokers: readonly number[], from: number) {
      for (const to of brokers) if (cheapest(from, to) !== undefined) yield to
    }
    shiftLoad(this.#loads, (from) => reach(this.#brokers.toSorted(emptiest), from), move)
    saveCopies(this.#loads, (from, to) => this.#cheapest(from, to)?.copies, move)
  }

  /** A partition that can be taken from one broker to another, and how many copies more that makes: as few as can be. */
  #cheapest(from: number, to: number): { partition: number; copies: number } | undefined {
    if (from === to || (!this.#mayCross && this.#rack(from) !== this.#rack(to))) return undefined
    const fits = (i: number) => this.#mayMove(i, from, to)
    const [copied, given] = [this.#copied.get(from)!, this.#given.get(to)!]
    const [few, many] = copied.size < given.size ? [copied, given] : [given, copied]
    const back = first(few, (i) => many.has(i) && fits(i))
    if (back !== undefined) return { partition: back, copies: -1 }
    const same = first(copied, fits) ?? first(given, (i) => this.#replicas[i]!.has(from) && fits(i))
    if (same !== undefined) return { partition: same, copies: 0 }
    const another = first(this.#held.get(from)!, fits)
    return another === undefined ? undefined : { partition: another, copies: 1 }
  }

  #mayMove(i: number, from: number, to: number): boolean {
    if (this.#replicas[i]!.has(to)) return false
    return this.#rack(from) === this.#rack(to) || this.#inRack(i, to) < this.#inRack(i, from)
  }

  /** How many replicas of a partition are in a broker's rack. */
  #inRack(i: number, broker: number): number {
    return this.#rackCounts[i]!.get(this.#rack(broker)) ?? 0
  }

  #rack(broker: number): string {
    return this.#racks.get(broker)!
  }

  #load(broker: number): number {
    return this.#loads.get(broker)!
  }

  #replace(i: number, from: number, to: number): void {
    this.#remove(i, from)
    this.#add(i, to)
  }

  #add(i: number, broker: number): void {
    if (this.#before[i]!.has(broker)) this.#given.get(broker)!.delete(i)
    else this.#copied.get(broker)!.add(i)
    this.#replicas[i]!.add(broker)
    this.#held.get(broker)!.add(i)
    this.#count(i, broker, 1)
  }

  #remove(i: number, broker: number): void {
    if (this.#before[i]!.has(broker)) this.#given.get(broker)!.add(i)
    else this.#copied.get(broker)!.delete(i)
    this.#replicas[i]!.delete(broker)
    this.#held.get(broker)!.delete(i)
    this.#count(i, broker, -1)
  }

  #count(i: number, broker: number, change: number): void {
    this.#rackCounts[i]!.set(this.#rack(broker), this.#inRack(i, broker) + change)
    this.#loads.set(broker, this.#load(broker) + change)
  }
}

function first(items: Iterable<number>, fits: (item: number) => boolean): number | undefined {
  for (const item of items) if (fits(item)) return item
  return undefined
}

/** The first by the given ranks, compared in turn. */
export function best(items: readonly number[], rank: (item: number) => readonly number[]): number {
  let found = items[0]!
  let lowest = rank(found)
  for (const item of items.slice(1)) {
    const ranks = rank(item)
    const at = ranks.findIndex((value, n) => value !== lowest[n])
    if (at >= 0 && ranks[at]! < lowest[at]!) [found, lowest] = [item, ranks]
  }
  return found
}
