import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { GroupMemberOptions } from '../../src/kafka/group/member.ts'
import { membersOf } from '../support/groups.ts'
import { keys, Ledger, testCluster, TestMember } from '../support/group-members.ts'
import { makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'

/** Long enough that nothing expires in a test that is not about that. */
const SESSION = { sessionTimeoutMs: 30_000 }

interface World {
  readonly topic: string
  readonly groupId: string
  readonly ledger: Ledger
  /** A static member; a second one of the same name comes back in the place of the first. */
  member(name: string, options?: Partial<GroupMemberOptions>): TestMember
}

async function world(partitions: number): Promise<World> {
  const topic = await makeTopic({ partitions })
  const groupId = uniqueName('g')
  const ledger = new Ledger()
  const ids = new Map<string, string>()
  return {
    topic,
    groupId,
    ledger,
    member(name, options) {
      const comesBack = ids.has(name)
      const instanceId = ids.get(name) ?? randomUUID()
      ids.set(name, instanceId)
      const own = { groupId, topics: [topic], instanceId, comesBack, ...SESSION, ...options }
      // A cluster each, as at different gateways: no neighbour tells them of anything.
      return new TestMember(name, own, { cluster: testCluster(), ledger })
    },
  }
}

/** Its gateway is gone, and told nobody. */
async function vanish(member: TestMember): Promise<void> {
  for (const key of member.owned) member.ledger.owners.delete(key)
  await member.member.abandon()
}

function eventsOf(...members: TestMember[]): string[] {
  return members.flatMap(({ events }) => events.map(({ text }) => text))
}

describe('a static member of a group', { timeout: 30_000 }, () => {
  it.each([
    ['that leads the group', 0],
    ['that follows', 1],
  ])('%s vanishes and comes back elsewhere with what it had: no rebalance', async (_, which) => {
    const { topic, member, ledger } = await world(4)
    const members = [member('a'), member('b')]
    await members[0]!.member.start()
    await members[1]!.member.start()
    await expect.poll(() => members.map(({ owned }) => owned.length)).toEqual([2, 2])
    const [gone, stays] = [members[which]!, members[1 - which]!]
    gone.read(7)
    await gone.commit()
    const [had, generation, before] = [gone.owned, stays.member.generation, eventsOf(stays)]
    await vanish(gone)
    const back = member(gone.name)
    await back.member.start()
    expect(back.owned).toEqual(had)
    expect(back.member.kept).toBe(true)
    expect(back.member.generation, 'the same generation').toBe(generation)
    expect(ledger.wrongStarts, 'where it had committed').toEqual([])
    await back.commit()
    // The one that stays goes on as if nothing had been.
    stays.read(1)
    await stays.commit()
    expect(eventsOf(stays)).toEqual(before)
    expect(stays.member.generation).toBe(generation)
    // And what follows is a rebalance like any other.
    await back.leave()
    await expect.poll(() => stays.owned).toEqual(keys(topic, 0, 1, 2, 3))
    expect(ledger.overlaps).toEqual([])
  })

  it('is ended with `superseded` by the one that comes in its place, which keeps the partitions', async () => {
    const { topic, groupId, member, ledger } = await world(2)
    const first = member('a')
    await first.member.start()
    for (const key of first.owned) ledger.owners.delete(key)
    const second = member('a')
    await second.member.start()
    await expect.poll(() => first.problems, { timeout: 2_000 }).toMatchObject([{ code: 'superseded' }])
    await expect(first.member.commit([{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({
      code: 'stale_member',
    })
    await first.member.leave()
    expect(second.owned).toEqual(keys(topic, 0, 1))
    await second.commit()
    expect(await membersOf(groupId)).toBe(1)
  })

  it('gives its partitions to the others at once when it leaves', async () => {
    const { topic, member } = await world(2)
    const [a, b] = [member('a'), member('b')]
    await a.member.start()
    await b.member.start()
    await expect.poll(() => b.owned.length).toBe(1)
    const before = performance.now()
    await a.leave()
    await expect.poll(() => b.owned, { interval: 10 }).toEqual(keys(topic, 0, 1))
    expect(performance.now() - before).toBeLessThan(1_000)
  })

  it('whose session has expired comes back as a member anew, and says that nothing was kept', async () => {
    const { topic, member, ledger } = await world(2)
    const a = member('a', { sessionTimeoutMs: 6_000 })
    const b = member('b')
    await a.member.start()
    await b.member.start()
    await expect.poll(() => [a.owned.length, b.owned.length]).toEqual([1, 1])
    await vanish(a)
    await expect.poll(() => b.owned, { timeout: 10_000 }).toEqual(keys(topic, 0, 1))
    const back = member('a')
    await back.member.start()
    expect(back.member.kept).toBe(false)
    await expect.poll(() => [back.owned.length, b.owned.length]).toEqual([1, 1])
    expect(ledger.overlaps).toEqual([])
  })

  it('gets what it had where a rebalance is under way while it is away, also where two come back', async () => {
    const { topic, member, ledger } = await world(9)
    const [a, b, c] = [member('a'), member('b'), member('c')]
    await a.member.start()
    await b.member.start()
    await c.member.start()
    await expect.poll(() => [a, b, c].map(({ owned }) => owned.length)).toEqual([3, 3, 3])
    const had = [b.owned, c.owned]
    await vanish(b)
    await vanish(c)
    // The group waits for them, and they do not answer.
    const d = member('d')
    const joining = d.member.start()
    await expect.poll(() => a.member.state).toBe('joining')
    const back = [member('b'), member('c')]
    await Promise.all([...back.map(({ member }) => member.start()), joining])
    await expect.poll(() => [a, ...back, d].reduce((sum, { owned }) => sum + owned.length, 0)).toBe(9)
    for (const [i, { member, owned }] of back.entries()) {
      expect(member.kept).toBe(true)
      expect(owned.length).toBeGreaterThanOrEqual(2)
      expect(had[i], 'nothing that it did not have').toEqual(expect.arrayContaining(owned))
    }
    expect(ledger.overlaps).toEqual([])
    expect([...ledger.owners.keys()].sort()).toEqual(keys(topic, 0, 1, 2, 3, 4, 5, 6, 7, 8))
  })

  it.each([
    ['the leader', 0],
    ['a follower', 1],
  ])('while %s is away partitions are added: they are had when it is back', async (_, which) => {
    const { topic, member, ledger } = await world(2)
    const members = [member('a'), member('b')]
    await members[0]!.member.start()
    await members[1]!.member.start()
    await expect.poll(() => members.map(({ owned }) => owned.length)).toEqual([1, 1])
    await vanish(members[which]!)
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }))
    const back = member(members[which]!.name)
    await back.member.start()
    await expect.poll(() => ledger.owners.size, { timeout: 8_000 }).toBe(4)
    await expect.poll(() => [back.owned.length, members[1 - which]!.owned.length]).toEqual([2, 2])
    expect(ledger.overlaps).toEqual([])
  })

  it('comes and goes many times while others join and leave, and every partition has one owner in the end', async () => {
    const { member, ledger } = await world(6)
    const stays = member('stays')
    await stays.member.start()
    let comes = member('comes')
    await comes.member.start()
    for (let i = 0; i < 15; i++) {
      const other = member(`other${i}`)
      const joining = other.member.start()
      await vanish(comes)
      comes = member('comes')
      await Promise.all([comes.member.start(), joining])
      if (i % 2 === 0) await vanish(comes)
      await other.leave()
      if (i % 2 === 0) {
        comes = member('comes')
        await comes.member.start()
      }
    }
    await expect.poll(() => [stays.owned.length, comes.owned.length], { timeout: 10_000 }).toEqual([3, 3])
    expect(ledger.overlaps).toEqual([])
    expect(comes.problems).toEqual([])
  })
})
