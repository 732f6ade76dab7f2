import type { RecordReader } from '../record-reader.ts'
import type { ReaderEvent } from './events.ts'
import { keyOf } from '../topic-partition.ts'

/** How far a follower may lag behind before it has to read by itself: bytes of records, and turns. */
const MAX_LAG_BYTES = 4_194_304
const MAX_LAG_TURNS = 1_000
/** What is kept though everybody has it, for those who are about to join: bytes of records, and turns. */
const KEPT_BYTES = 262_144
const KEPT_TURNS = 16

/** What the reader gave at once. */
interface Turn {
  readonly events: readonly ReaderEvent[]
  /** For each event, where its partition was read from. */
  readonly starts: readonly number[]
  readonly bytes: number
  /** How many followers have yet to take it. */
  awaitedBy: number
}

/** Where somebody stands who reads along. */
export class Follower {
  /** The number of the next turn to take. */
  at: number
  /** Partitions of which the next turns hold what it has already. */
  readonly ahead: Set<string>
  /** It came too late for a turn that it needs. */
  isLeftBehind = false
  wake: (() => void) | undefined

  constructor(at: number, ahead: Set<string>) {
    this.at = at
    this.ahead = ahead
  }
}

const shared = new WeakSet<readonly object[]>()

/**
 * Whether these very events went to all who follow a feed and stood where it stood, so that what is made of them for one
 * serves the others.
 */
export function isShared(events: readonly object[]): boolean {
  return shared.has(events)
}

/**
 * What one reader reads, for many: each record is fetched and taken apart once. The first who has nothing left to take
 * has the next turn read. A turn is kept until all have taken it, or those who have not lag too far behind.
 */
export class Feed {
  readonly #reader: RecordReader
  readonly #onRetired: () => void
  readonly #followers = new Set<Follower>()
  /** The turns that are kept; `#first` is the number of the oldest. */
  readonly #turns: Turn[] = []
  #first = 0
  #bytes = 0
  /** By partition, where the turn after the newest will begin. */
  readonly #positions: Map<string, number>
  /** By partition, its end as it was last heard. */
  readonly #ends: Map<string, number>
  #reading = false
  #failure: { readonly error: unknown } | undefined
  #retired = false

  /**
   * `reader` is the feed's from now on. What it gives next follows `positions`; the partitions ended at `ends`.
   * `onRetired` is called once, when nobody can join any more.
   */
  constructor(
    reader: RecordReader,
    positions: ReadonlyMap<string, number>,
    ends: ReadonlyMap<string, number>,
    onRetired: () => void,
  ) {
    this.#reader = reader
    this.#positions = new Map(positions)
    this.#ends = new Map(ends)
    this.#onRetired = onRetired
  }

  /** As RecordReader.trouble. */
  get trouble(): RecordReader['trouble'] {
    return this.#reader.trouble
  }

  /** The end of a partition, by its key, as it was last heard. */
  endOf(key: string): number {
    return this.#ends.get(key) ?? 0
  }

  /**
   * Lets somebody follow who has all that lies before `positions`, which are of the feed's own partitions: from the newest
   * turn on that leaves no gap. Undefined where that turn is not kept any more.
   */
  join(positions: ReadonlyMap<string, number>): Follower | undefined {
    if (this.#retired) return undefined
    const starts = new Map(this.#positions)
    const hasGap = (start: number, key: string) => start > positions.get(key)!
    let back = 0
    while ([...starts].some(([key, start]) => hasGap(start, key))) {
      const turn = this.#turns.at(-++back)
      if (turn === undefined) return undefined
      for (let n = turn.events.length - 1; n >= 0; n--) starts.set(keyOf(turn.events[n]!), turn.starts[n]!)
    }
    const ahead = [...starts].filter(([key, start]) => positions.get(key)! > start).map(([key]) => key)
    const follower = new Follower(this.#first + this.#turns.length - back, new Set(ahead))
    for (const turn of this.#notTakenBy(follower)) turn.awaitedBy++
    this.#followers.add(follower)
    return follower
  }

  /** The events of a follower's next turn; undefined where there is none yet, or it is left behind. */
  take(follower: Follower): readonly ReaderEvent[] | undefined {
    if (follower.isLeftBehind) return undefined
    const turn = this.#turns[follower.at - this.#first]
    if (turn === undefined) return undefined
    follower.at++
    turn.awaitedBy--
    this.#trim()
    return turn.events
  }

  /**
   * Resolves when there may be another turn, or the follower is woken.
   * @throws the signal's reason, and as RecordReader.next
   */
  async more(follower: Follower, signal?: AbortSignal): Promise<void> {
    this.#throwIfFailed()
    if (!this.#reading) void this.#read()
    await new Promise<void>((resolve) => {
      const wake = () => {
        follower.wake = undefined
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      follower.wake = wake
      signal?.addEventListener('abort', wake, { once: true })
    })
    signal?.throwIfAborted()
    this.#throwIfFailed()
  }

  #throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** The feed ends with its last follower. */
  leave(follower: Follower): void {
    if (this.#followers.delete(follower)) {
      for (const turn of this.#notTakenBy(follower)) turn.awaitedBy--
      this.#trim()
    }
    follower.wake?.()
    if (this.#followers.size > 0) return
    this.#retire()
    this.#reader.close()
  }

  #notTakenBy({ at }: Follower): Turn[] {
    return this.#turns.slice(at - this.#first)
  }

  async #read(): Promise<void> {
    this.#reading = true
    try {
      const events = await this.#reader.next()
      if (events.length > 0) this.#add(events)
    } catch (error) {
      this.#failure = { error }
      this.#retire()
    }
    this.#reading = false
    for (const follower of this.#followers) follower.wake?.()
  }

  #add(events: readonly ReaderEvent[]): void {
    shared.add(events)
    let bytes = 0
    const starts = events.map((event) => {
      const key = keyOf(event)
      const start = this.#positions.get(key)!
      if (event.kind === 'records' || event.kind === 'progress') {
        this.#positions.set(key, event.nextOffset)
        this.#ends.set(key, event.end)
        // A partition that is not read any more is none that somebody could join for.
      } else this.#retire()
      if (event.kind === 'records') bytes += event.bytes
      return start
    })
    this.#turns.push({ events, starts, bytes, awaitedBy: this.#followers.size })
    this.#bytes += bytes
    this.#trim()
  }

  #trim(): void {
    for (;;) {
      const [oldest] = this.#turns
      if (oldest === undefined) return
      if (this.#bytes <= KEPT_BYTES && this.#turns.length <= KEPT_TURNS) return
      if (oldest.awaitedBy > 0) {
        if (this.#bytes <= MAX_LAG_BYTES && this.#turns.length <= MAX_LAG_TURNS) return
        this.#leaveBehind()
      }
      this.#turns.shift()
      this.#first++
      this.#bytes -= oldest.bytes
    }
  }

  /** The oldest turn can't be kept for those who have not taken it. */
  #leaveBehind(): void {
    for (const follower of this.#followers) {
      if (follower.at > this.#first) continue
      follower.isLeftBehind = true
      this.#followers.delete(follower)
      for (const turn of this.#turns) turn.awaitedBy--
    }
  }

  #retire(): void {
    if (this.#retired) return
    this.#retired = true
    this.#onRetired()
  }
}
