import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  planReplicas,
  type PlanBroker,
  type PlanPartition,
} from '../../src/kafka/admin/reassignments/plan.ts'
import { fewestCopies } from '../support/fewest-copies.ts'

/** A cluster with some partitions, of which brokers may be gone and others new. */
const world = fc
  .record({
    brokers: fc.integer({ min: 1, max: 9 }),
    gone: fc.integer({ min: 0, max: 3 }),
    racks: fc.integer({ min: 1, max: 4 }),
    racked: fc.boolean(),
    partitions: fc.integer({ min: 1, max: 40 }),
    factor: fc.integer({ min: 1, max: 4 }),
    seed: fc.infiniteStream(fc.nat()),
  })
  .map(({ brokers, gone, racks, racked, partitions, factor, seed }) => {
    const next = () => seed.next().value as number
    const alive = Array.from({ length: brokers }, (_, id): PlanBroker => ({
      id,
      rack: racked ? `rack-${next() % racks}` : null,
    }))
    const all = Array.from({ length: brokers + gone }, (_, id) => id)
    const size = Math.min(factor, brokers)
    const list = Array.from({ length: partitions }, (_, partition): PlanPartition => {
      const left = [...all]
      const replicas = Array.from({ length: size }, () => left.splice(next() % left.length, 1)[0]!)
      return { topic: 't', partition, replicas }
    })
    return { alive, partitions: list, factor: size }
  })

function counts(ids: readonly number[], alive: readonly PlanBroker[]): number[] {
  return alive.map(({ id }) => ids.filter((other) => other === id).length)
}

function spreadOf(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values)
}

describe('a plan of replicas', () => {
  it('gives each partition as many different brokers as it shall have, none of them gone', () => {
    fc.assert(
      fc.property(world, fc.option(fc.integer({ min: 1, max: 9 })), ({ alive, partitions }, wanted) => {
        const factor = wanted === null ? undefined : Math.min(wanted, alive.length)
        const plan = planReplicas(partitions, alive, factor)
        for (const [i, replicas] of plan.entries()) {
          expect(new Set(replicas).size).toBe(factor ?? partitions[i]!.replicas.length)
          expect(replicas).toHaveLength(new Set(replicas).size)
          for (const id of replicas) expect(alive.map((broker) => broker.id)).toContain(id)
        }
      }),
    )
  })

  it('is even, and copies as few as that can be had for, where there are no racks', () => {
    fc.assert(
      fc.property(world, ({ alive, partitions }) => {
        const brokers = alive.map(({ id }) => ({ id, rack: null }))
        const plan = planReplicas(partitions, brokers)
        const loads = counts(plan.flat(), brokers)
        expect(spreadOf(loads)).toBeLessThanOrEqual(1)
        const copied = plan.flatMap((to, i) => to.filter((id) => !partitions[i]!.replicas.includes(id)))
        const fewest = fewestCopies(
          partitions.map(({ replicas }) => replicas),
          brokers.map(({ id }) => id),
        )
        expect(copied).toHaveLength(fewest)
      }),
    )
  })

  it('has a leader to spare nowhere: none could be handed to a replica that leads two less', () => {
    fc.assert(
      fc.property(world, ({ alive, partitions }) => {
        const plan = planReplicas(partitions, alive)
        const leads = (id: number) => plan.filter(([leader]) => leader === id).length
        for (const [leader, ...others] of plan) {
          for (const other of others) expect(leads(leader!) - leads(other)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('spreads each partition over as many racks as it can', () => {
    fc.assert(
      fc.property(world, ({ alive, partitions, factor }) => {
        const racks = new Map(alive.map(({ id, rack }) => [id, rack]))
        if (alive.some(({ rack }) => rack === null)) return
        const most = Math.min(factor, new Set(racks.values()).size)
        for (const replicas of planReplicas(partitions, alive)) {
          expect(new Set(replicas.map((id) => racks.get(id))).size).toBe(most)
        }
      }),
    )
  })

  it('changes nothing of what it planned', () => {
    fc.assert(
      fc.property(world, ({ alive, partitions }) => {
        const plan = planReplicas(partitions, alive)
        const again = planReplicas(
          plan.map((replicas, partition) => ({ topic: 't', partition, replicas })),
          alive,
        )
        expect(again).toEqual(plan)
      }),
    )
  })

  it('hands a new broker its share, and no more is copied', () => {
    const partitions = Array.from({ length: 6 }, (_, partition) => ({
      topic: 't',
      partition,
      replicas: partition % 2 === 0 ? [1, 2] : [2, 1],
    }))
    const brokers = [1, 2, 3].map((id) => ({ id, rack: null }))
    const plan = planReplicas(partitions, brokers)
    expect(counts(plan.flat(), brokers)).toEqual([4, 4, 4])
    expect(
      counts(
        plan.map(([leader]) => leader!),
        brokers,
      ),
    ).toEqual([2, 2, 2])
    expect(plan.filter((to, i) => to.some((id) => !partitions[i]!.replicas.includes(id)))).toHaveLength(4)
  })

  it('plans two thousand partitions on to new brokers within a moment', () => {
    const partitions = Array.from({ length: 2_000 }, (_, partition) => ({
      topic: 't',
      partition,
      replicas: [partition % 5, (partition + 1) % 5, (partition + 2) % 5],
    }))
    const brokers = Array.from({ length: 30 }, (_, id) => ({ id, rack: `rack-${id % 3}` }))
    const started = performance.now()
    const plan = planReplicas(partitions, brokers)
    expect(performance.now() - started).toBeLessThan(5_000)
    expect(spreadOf(counts(plan.flat(), brokers))).toBeLessThanOrEqual(1)
  })
})
