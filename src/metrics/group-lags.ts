import { LabelNames } from './label-names.ts'

/** How far one member of a group is behind the ends of its partitions, as they were last heard. */
export class MemberLag {
  readonly group: string
  /** By topic, then partition. */
  readonly #lags = new Map<string, Map<number, number>>()

  constructor(group: string) {
    this.group = group
  }

  /** Takes note of where a partition is read on, and of its end. */
  read({ topic, partition, nextOffset, end }: Progress): void {
    let lags = this.#lags.get(topic)
    if (lags === undefined) this.#lags.set(topic, (lags = new Map()))
    lags.set(partition, Math.max(0, end - nextOffset))
  }

  /** Takes note of partitions that are this member's no more. */
  removed(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    for (const { topic, partition } of partitions) {
      const lags = this.#lags.get(topic)
      lags?.delete(partition)
      if (lags?.size === 0) this.#lags.delete(topic)
    }
  }

  *topics(): Generator<readonly [topic: string, records: number]> {
    for (const [topic, lags] of this.#lags) yield [topic, [...lags.values()].reduce((sum, n) => sum + n, 0)]
  }
}

interface Progress {
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number
  readonly end: number
}

/** The members of groups that this process serves, and how far they are behind. */
export class GroupLags {
  readonly #members = new Set<MemberLag>()
  readonly #groups: LabelNames
  readonly #topics: LabelNames

  /** So many groups, and topics, are told apart. */
  constructor(names: number) {
    this.#groups = new LabelNames(names)
    this.#topics = new LabelNames(names)
  }

  get members(): number {
    return this.#members.size
  }

  join(group: string): MemberLag {
    const member = new MemberLag(group)
    this.#members.add(member)
    return member
  }

  leave(member: MemberLag): void {
    this.#members.delete(member)
  }

  /** The records still to be delivered, by group and topic. */
  sums(): { readonly group: string; readonly topic: string; readonly records: number }[] {
    const sums = new Map<string, { group: string; topic: string; records: number }>()
    for (const member of this.#members) {
      const group = this.#groups.of(member.group)
      for (const [name, records] of member.topics()) {
        const topic = this.#topics.of(name)
        const key = JSON.stringify([group, topic])
        const sum = sums.get(key)
        if (sum === undefined) sums.set(key, { group, topic, records })
        else sum.records += records
      }
    }
    return [...sums.values()]
  }
}
