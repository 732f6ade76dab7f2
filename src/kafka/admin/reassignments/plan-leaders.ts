import { best } from './placement.ts'
import { shiftLoad } from './shift-load.ts'

/**
 * Puts the preferred leader of each partition first, so that the brokers lead as many as one another; a leader stays
 * where that is even. Then come the replicas that were there, in their order, and the new ones.
 * @param brokers all that may lead
 */
export function orderByLeader(
  replicas: readonly ReadonlySet<number>[],
  before: readonly (readonly number[])[],
  brokers: readonly number[],
): number[][] {
  const leads = new Map(brokers.map((id) => [id, 0]))
  /** The partitions that each broker leads. */
  const led = new Map(brokers.map((id) => [id, new Set<number>()]))
  const leaders: number[] = []
  const appoint = (i: number, broker: number) => {
    const former = leaders[i]
    if (former !== undefined) {
      led.get(former)!.delete(i)
      leads.set(former, leads.get(former)! - 1)
    }
    leaders[i] = broker
    led.get(broker)!.add(i)
    leads.set(broker, leads.get(broker)! + 1)
  }
  for (const [i, [leader]] of before.entries()) {
    if (leader !== undefined && replicas[i]!.has(leader)) appoint(i, leader)
  }
  for (const [i, held] of replicas.entries()) {
    if (leaders[i] === undefined)
      appoint(
        i,
        best([...held], (b) => [leads.get(b)!, b]),
      )
  }
  const reach = (from: number) => new Set([...led.get(from)!].flatMap((i) => [...replicas[i]!]))
  const move = (from: number, to: number) => {
    for (const i of led.get(from)!) {
      if (!replicas[i]!.has(to)) continue
      appoint(i, to)
      return () => appoint(i, from)
    }
    return undefined
  }
  shiftLoad(leads, reach, move)
  return replicas.map((held, i) => {
    const leader = leaders[i]!
    const stayed = before[i]!.filter((b) => b !== leader && held.has(b))
    const added = [...held].filter((b) => b !== leader && !before[i]!.includes(b)).sort((a, b) => a - b)
    return [leader, ...stayed, ...added]
  })
}
