import { keyOf, type TopicPartition } from '../topic-partition.ts'

/** A member as the leader sees it. */
export interface Subscriber {
  readonly topics: ReadonlySet<string>
  /** What it holds while it joins. */
  readonly owned: readonly TopicPartition[]
  /** The last generation whose assignment it got; -1 for none. */
  readonly generation: number
  /** Whether nobody reads what it holds: it keeps that, but is given nothing more that somebody else could read. */
  readonly isAway?: boolean
  /** What it had when it went away, where it has just come back: it holds nothing of it, but is the first to get it. */
  readonly had?: readonly TopicPartition[]
}

/** Who says to hold a partition. */
interface Claim {
  readonly claimants: string[]
  /** The claimant of the newest generation, where it is one alone. */
  owner: string | undefined
  generation: number
}

/** By member: first what it holds, then what it is to get. */
type Plan = Map<string, TopicPartition[]>

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
  const plan: Plan = new Map(ids.map((id) => [id, []]))
  const free: TopicPartition[] = []
  const had = new Map(ids.flatMap((id) => (members.get(id)!.had ?? []).map((p) => [keyOf(p), id] as const)))
  for (const [topic, count] of [...partitions].sort()) {
    for (let partition = 0; partition < count; partition++) {
      const key = keyOf({ topic, partition })
      const claim = claims.get(key)
      const owner = claim === undefined ? had.get(key) : claim.owner
      const keeps = owner !== undefined && members.get(owner)!.topics.has(topic)
      const list = keeps ? plan.get(owner)! : free
      list.push({ topic, partition })
    }
  }
  placeFree(plan, members, ids, free)
  balance(plan, members, ids)
  const mayHave = (id: string, partition: TopicPartition) => {
    const claim = claims.get(keyOf(partition))
    return claim === undefined || claim.owner === id || claim.claimants.every((claimant) => claimant === id)
  }
  return new Map([...plan].map(([id, own]) => [id, own.filter((partition) => mayHave(id, partition))]))
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

/** Gives what nobody has to those who have least, of those that read. */
function placeFree(
  plan: Plan,
  members: ReadonlyMap<string, Subscriber>,
  ids: readonly string[],
  free: readonly TopicPartition[],
): void {
  for (const partition of free) {
    const able = ids.filter((id) => members.get(id)!.topics.has(partition.topic))
    const there = able.filter((id) => members.get(id)!.isAway !== true)
    let least: TopicPartition[] | undefined
    for (const id of there.length > 0 ? there : able) {
      const own = plan.get(id)!
      if (own.length < (least?.length ?? Infinity)) least = own
    }
    least?.push(partition)
  }
}

/** Moves partitions from who has most to who has least until no move makes it more even. */
function balance(plan: Plan, members: ReadonlyMap<string, Subscriber>, ids: readonly string[]): void {
  // Each move lowers the sum of squared sizes, so this ends.
  for (;;) {
    const bySize = [...ids].sort((a, b) => plan.get(a)!.length - plan.get(b)!.length)
    if (!moveOne(plan, members, bySize)) return
  }
}

function moveOne(plan: Plan, members: ReadonlyMap<string, Subscriber>, bySize: readonly string[]): boolean {
  for (const from of bySize.toReversed()) {
    const own = plan.get(from)!
    for (const to of bySize) {
      const theirs = plan.get(to)!
      if (own.length - theirs.length < 2) break
      // From the end: what it does not hold yet moves at no cost.
      const { topics, isAway } = members.get(to)!
      if (isAway === true) continue
      const index = own.findLastIndex(({ topic }) => topics.has(topic))
      if (index < 0) continue
      theirs.push(...own.splice(index, 1))
      return true
    }
  }
  return false
}
