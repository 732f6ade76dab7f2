import { onTestFinished } from 'vitest'
import { Cluster } from '../../src/kafka/cluster.ts'
import { type AssignedPartition, GroupMember, type GroupMemberOptions } from '../../src/kafka/group/member.ts'
import type { Problem } from '../../src/problems/problem.ts'
import { brokers } from './kafka.ts'
import { keyOf, type TopicPartition } from '../../src/kafka/topic-partition.ts'

const silent = { debug: () => {}, warn: () => {} }

export function testCluster(bootstrap: string = brokers()): Cluster {
  const cluster = new Cluster({ brokers: bootstrap.split(','), clientId: 'sluice-test' })
  onTestFinished(() => cluster.close())
  return cluster
}

/** Who owns what in one group, by what its members were told; it notes whenever two own one partition at once. */
export class Ledger {
  readonly owners = new Map<string, TestMember>()
  readonly overlaps: string[] = []
  /** What Kafka confirmed as committed, by partition. */
  readonly committed = new Map<string, number>()
  /** Partitions that were assigned with another committed offset than the last one confirmed. */
  readonly wrongStarts: string[] = []

  gains(member: TestMember, partition: AssignedPartition): void {
    const key = keyOf(partition)
    const owner = this.owners.get(key)
    if (owner !== undefined) this.overlaps.push(`${key}: ${member.name} got it while ${owner.name} had it`)
    this.owners.set(key, member)
    if (partition.committed !== this.committed.get(key)) {
      this.wrongStarts.push(`${key}: ${partition.committed}, not ${this.committed.get(key)}`)
    }
  }

  loses(member: TestMember, partition: TopicPartition): void {
    if (this.owners.get(keyOf(partition)) === member) this.owners.delete(keyOf(partition))
  }

  ownedBy(member: TestMember): string[] {
    return [...this.owners].flatMap(([key, owner]) => (owner === member ? [key] : [])).sort()
  }
}

/** A member that notes what it is told, and commits before it gives anything up. */
export class TestMember {
  readonly member: GroupMember
  readonly name: string
  readonly ledger: Ledger
  /** Everything it was told, in order: `assigned t:0,t:1`. */
  readonly events: { readonly at: number; readonly text: string }[] = []
  readonly problems: Problem[] = []
  /** Where its reader is, by partition: the offset to commit. */
  readonly positions = new Map<string, TopicPartition & { offset: number }>()
  /** What `revoked` waits for, before it commits. */
  beforeRevoke: () => Promise<void> = async () => {}
  onAssigned: () => Promise<void> = async () => {}

  constructor(
    name: string,
    options: Partial<GroupMemberOptions> & { groupId: string; topics: readonly string[] },
    { cluster = testCluster(), ledger = new Ledger() }: { cluster?: Cluster; ledger?: Ledger } = {},
  ) {
    this.name = name
    this.ledger = ledger
    const timeouts = { sessionTimeoutMs: 10_000, heartbeatMs: 150, rebalanceTimeoutMs: 30_000 }
    this.member = new GroupMember(
      cluster,
      { ...timeouts, clientInfo: name, ...options },
      {
        assigned: async (partitions) => {
          await this.onAssigned()
          this.#note('assigned', partitions)
          for (const partition of partitions) {
            ledger.gains(this, partition)
            const { topic, partition: number, committed = 0 } = partition
            this.positions.set(keyOf(partition), { topic, partition: number, offset: committed })
          }
        },
        revoked: async (partitions) => {
          this.#note('revoked', partitions)
          await this.beforeRevoke()
          await this.commit(partitions).catch(() => {})
          for (const partition of partitions) this.#drop(partition)
        },
        lost: (partitions) => {
          this.#note('lost', partitions)
          for (const partition of partitions) this.#drop(partition)
        },
        failed: (problem) => void this.problems.push(problem),
      },
      silent,
    )
    onTestFinished(() => this.member.leave())
  }

  get owned(): string[] {
    return this.ledger.ownedBy(this)
  }

  /** Moves the reader on by some records in all partitions. */
  read(records: number): void {
    for (const position of this.positions.values()) position.offset += records
  }

  /** Commits where the reader is. */
  async commit(partitions: readonly TopicPartition[] = [...this.positions.values()]): Promise<void> {
    const offsets = partitions.flatMap((partition) => {
      const position = this.positions.get(keyOf(partition))
      return position === undefined ? [] : [{ ...position }]
    })
    await this.member.commit(offsets)
    for (const offset of offsets) this.ledger.committed.set(keyOf(offset), offset.offset)
  }

  /** Stops reading, then leaves. */
  async leave(): Promise<void> {
    for (const key of this.owned) this.ledger.owners.delete(key)
    this.positions.clear()
    await this.member.leave()
  }

  #drop(partition: TopicPartition): void {
    this.positions.delete(keyOf(partition))
    this.ledger.loses(this, partition)
  }

  #note(what: string, partitions: readonly TopicPartition[]): void {
    this.events.push({ at: performance.now(), text: `${what} ${partitions.map(keyOf).join()}` })
  }
}

export function keys(topic: string, ...partitions: number[]): string[] {
  return partitions.map((partition) => keyOf({ topic, partition }))
}
