import { orderByLeader } from './plan-leaders.ts'
import { Placement } from './placement.ts'

export interface PlanBroker {
  readonly id: number
  readonly rack: string | null
}

export interface PlanPartition {
  readonly topic: string
  readonly partition: number
  /** Node ids, the preferred leader first. */
  readonly replicas: readonly number[]
}

/**
 * Where the replicas of some partitions should be, so that the brokers hold as many as one another and are preferred
 * leader of as many, while as few as can be are copied. Racks go first: where every broker has one, the replicas of a
 * partition are spread over as many as there are. Only these partitions are weighed.
 * @param brokers those that may hold replicas, at least as many as each partition gets
 * @param replicationFactor of each partition; by default as many as it has
 * @returns the replicas of each partition in turn, the preferred leader first
 */
export function planReplicas(
  partitions: readonly PlanPartition[],
  brokers: readonly PlanBroker[],
  replicationFactor?: number,
): number[][] {
  const before = partitions.map(({ replicas }) => replicas)
  const placement = new Placement(brokers, before)
  for (let i = 0; i < before.length; i++) placement.fit(i, replicationFactor ?? before[i]!.length)
  for (let i = 0; i < before.length; i++) placement.spread(i)
  placement.balance()
  return orderByLeader(
    placement.replicas,
    before,
    brokers.map(({ id }) => id),
  )
}
