import { keyOf, type TopicPartition } from './types.ts'

/** A member as the leader sees it. */
export interface Subscriber {
  readonly topics: ReadonlySet<string>
  /** What it holds while it joins. */
  readonly owned: readonly TopicPartition[]
  /** The last generation whose assignment it got; -1 for none. */
  readonly generation: number
}

/** Who says to hold a partition. */
interface Claim {
  readonly claimants: string[]
  /** The claimant of the newest generation, where it is one alone. */
  owner: string | undefined
  generation: number
}

type Plan = Map<string, Map<string, TopicPartition>>

/**
 * The leader's assignment by the cooperative-sticky rules (KIP-429): even, moving as little as it can, and **nothing is
 * given to a member while another one still holds it**. What is to move is left out of this round; its holder gives it
 * up and rejoins, and the next round hands it out.
 *
 * The client library's assignor is not used: it leaves a member without any partition where the others hold no more than
 * the rounded-up average (4 partitions, members with 2, 2 and 0), and it hands out at once what is held by a member that
 * missed the last round's answer, so that two hold it.
 * @param partitions how many partitions each topic has; a topic that is not there has none
 */
export function assignPartitions(
  members: ReadonlyMap<string, Subscriber>,
  partitions: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const ids = [...members.keys()].sort()
  const claims = collectClaims(members, ids)
  const plan: Plan = new Map(ids.map((id) => [id, new Map()]))
  for (const [topic, count] of [...partitions].sort()) {
    for (let partition = 0; partition < count; partition++) {
      const owner = claims.get(keyOf({ topic, partition }))?.owner
      if (owner !== undefined && members.get(owner)?.topics.has(topic))
        give(plan, owner, { topic, partition })
    }
  }
  placeFree(plan, members, ids, partitions)
  balance(plan, members, ids, claims)
  const held = (id: string, key: string) => {
    const claim = claims.get(key)
    return claim === undefined || claim.owner === id || claim.claimants.every((claimant) => claimant === id)
  }
  return new Map(
    ids.map((id) => [id, [...plan.get(id)!].filter(([key]) => held(id, key)).map(([, tp]) => tp)]),
  )
}

/**
 * The newest generation's word counts (KIP-792). An older one counts too while nobody newer contradicts it: its member
 * missed an answer and holds what it says (KAFKA-14016). Two of one generation: nobody's, until both have let go.
 */
function collectClaims(members: ReadonlyMap<string, Subscriber>, ids: readonly string[]): Map<string, Claim> {
  const claims = new Map<string, Claim>()
  for (const id of ids) {
    const { owned, generation } = members.get(id)!
    for (const partition of owned) {
      const claim = claims.get(keyOf(partition))
      if (claim === undefined) {
        claims.set(keyOf(partition), { claimants: [id], owner: id, generation })
        continue
      }
      claim.claimants.push(id)
      if (generation > claim.generation) Object.assign(claim, { owner: id, generation })
      else if (generation === claim.generation) claim.owner = undefined
    }
  }
  return claims
}

/** Gives what nobody has to those who have least. */
function placeFree(
  plan: Plan,
  members: ReadonlyMap<string, Subscriber>,
  ids: readonly string[],
  partitions: ReadonlyMap<string, number>,
): void {
  const taken = new Set([...plan.values()].flatMap((own) => [...own.keys()]))
  for (const [topic, count] of [...partitions].sort()) {
    const eligible = ids.filter((id) => members.get(id)!.topics.has(topic))
    if (eligible.length === 0) continue
    for (let partition = 0; partition < count; partition++) {
      if (taken.has(keyOf({ topic, partition }))) continue
      const least = eligible.reduce((a, b) => (plan.get(b)!.size < plan.get(a)!.size ? b : a))
      give(plan, least, { topic, partition })
    }
  }
}

/** Moves partitions from who has most to who has least until no move makes it more even. */
function balance(
  plan: Plan,
  members: ReadonlyMap<string, Subscriber>,
  ids: readonly string[],
  claims: ReadonlyMap<string, Claim>,
): void {
  // Each move lowers the sum of squared sizes, so this ends.
  for (;;) {
    const bySize = [...ids].sort((a, b) => plan.get(a)!.size - plan.get(b)!.size)
    const move = findMove(plan, members, bySize, claims)
    if (move === undefined) return
    plan.get(move.from)!.delete(keyOf(move.partition))
    give(plan, move.to, move.partition)
  }
}

function findMove(
  plan: Plan,
  members: ReadonlyMap<string, Subscriber>,
  bySize: readonly string[],
  claims: ReadonlyMap<string, Claim>,
): { from: string; to: string; partition: TopicPartition } | undefined {
  for (const from of bySize.toReversed()) {
    const own = plan.get(from)!
    for (const to of bySize) {
      if (own.size - plan.get(to)!.size < 2) break
      const movable = [...own.values()].filter(({ topic }) => members.get(to)!.topics.has(topic))
      // What it does not hold yet moves at no cost.
      const partition = movable.findLast((p) => claims.get(keyOf(p))?.owner !== from) ?? movable.at(-1)
      if (partition !== undefined) return { from, to, partition }
    }
  }
  return undefined
}

function give(plan: Plan, id: string, partition: TopicPartition): void {
  plan.get(id)!.set(keyOf(partition), partition)
}
