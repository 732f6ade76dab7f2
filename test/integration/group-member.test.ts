import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { leaveGroup } from '../../src/kafka/wire/group-apis.ts'
import { Problem } from '../../src/problems/problem.ts'
import { keys, Ledger, TestMember, testCluster } from '../support/group-members.ts'
import { makeAgain, makeTopic, uniqueName, withAdmin, witness } from '../support/kafka.ts'

/** What kafkajs sees as committed, by partition; -1 where nothing is. */
async function committedOffsets(groupId: string, topic: string): Promise<number[]> {
  const [found] = await withAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
  return found!.partitions.toSorted((a, b) => a.partition - b.partition).map((p) => Number(p.offset))
}

async function groupState(groupId: string): Promise<{ state: string; members: number }> {
  const { groups } = await withAdmin((admin) => admin.describeGroups([groupId]))
  return { state: groups[0]!.state, members: groups[0]!.members.length }
}

describe('GroupMember', () => {
  it('joins an empty group, owns every partition, and is told where the group resumes', async () => {
    const topic = await makeTopic({ partitions: 3 })
    const groupId = uniqueName('g')
    await withAdmin((admin) =>
      admin.setOffsets({ groupId, topic, partitions: [{ partition: 1, offset: '42' }] }),
    )
    const ledger = new Ledger()
    ledger.committed.set(`${topic}:1`, 42)
    const a = new TestMember('a', { groupId, topics: [topic] }, { ledger })
    await a.member.start()
    expect(a.owned).toEqual(keys(topic, 0, 1, 2))
    expect(ledger.wrongStarts).toEqual([])
    expect(a.member.state).toBe('stable')
    expect(a.member.generation).toBeGreaterThan(0)
    expect(a.member.memberId).not.toBe('')
    expect(await groupState(groupId)).toEqual({ state: 'Stable', members: 1 })
  })

  it('shares with a second member: only what moves is revoked, and its commit is where the other resumes', async () => {
    const topic = await makeTopic({ partitions: 4 })
    const groupId = uniqueName('g')
    const ledger = new Ledger()
    const cluster = testCluster()
    const a = new TestMember('a', { groupId, topics: [topic] }, { ledger, cluster })
    await a.member.start()
    a.read(100)
    const b = new TestMember('b', { groupId, topics: [topic] }, { ledger, cluster })
    await b.member.start()
    await expect.poll(() => [a.owned.length, b.owned.length]).toEqual([2, 2])
    expect(a.events.map((event) => event.text.split(' ')[0])).toEqual(['assigned', 'revoked'])
    expect(ledger.overlaps).toEqual([])
    expect(ledger.wrongStarts).toEqual([])
    expect([...b.positions.values()].map(({ offset }) => offset)).toEqual([100, 100])
    expect((await committedOffsets(groupId, topic)).toSorted((x, y) => x - y)).toEqual([-1, -1, 100, 100])
  })

  it('gives its partitions to the others within a second when it leaves', async () => {
    const topic = await makeTopic({ partitions: 4 })
    const groupId = uniqueName('g')
    const ledger = new Ledger()
    const a = new TestMember('a', { groupId, topics: [topic] }, { ledger })
    const b = new TestMember('b', { groupId, topics: [topic] }, { ledger })
    await Promise.all([a.member.start(), b.member.start()])
    await expect.poll(() => [a.owned.length, b.owned.length]).toEqual([2, 2])
    await b.commit()
    const before = performance.now()
    await b.leave()
    await expect.poll(() => a.owned, { interval: 10, timeout: 1_000 }).toEqual(keys(topic, 0, 1, 2, 3))
    expect(performance.now() - before).toBeLessThan(1_000)
    expect(b.member.state).toBe('left')
    await expect(b.member.commit([{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({
      code: 'stale_member',
    })
    await expect(b.leave()).resolves.toBeUndefined()
  })

  it('never lets two members own a partition through many joins and leaves, and none loses a commit', async () => {
    const topic = await makeTopic({ partitions: 12 })
    const groupId = uniqueName('g')
    const ledger = new Ledger()
    // As in three gateways: what one hears of a rebalance, only its own members hear from it.
    const clusters = [testCluster(), testCluster(), testCluster()]
    const members = new Set<TestMember>()
    const leaving: Promise<void>[] = []
    let joined = 0
    const join = () => {
      const cluster = clusters[joined % clusters.length]!
      const member = new TestMember(`m${joined++}`, { groupId, topics: [topic] }, { ledger, cluster })
      members.add(member)
      void member.member.start().catch(() => {})
    }
    join()
    const end = performance.now() + 6_000
    while (performance.now() < end) {
      if (members.size < 3 || (members.size < 6 && Math.random() < 0.5)) {
        join()
      } else {
        const member = [...members][Math.floor(Math.random() * members.size)]!
        members.delete(member)
        leaving.push(member.leave())
      }
      for (const member of members) {
        member.read(1)
        void member.commit().catch(() => {})
      }
      await sleep(Math.random() * 150)
    }
    await Promise.all(leaving)
    const unevenness = () => {
      const sizes = [...members].map((member) => member.owned.length)
      return sizes.reduce((a, b) => a + b, 0) === 12 ? Math.max(...sizes) - Math.min(...sizes) : Infinity
    }
    await expect.poll(unevenness, { timeout: 5_000 }).toBeLessThanOrEqual(1)
    expect(ledger.overlaps).toEqual([])
    expect(joined).toBeGreaterThan(20)
    for (const member of members) expect(member.problems).toEqual([])
    // A commit that was confirmed is never undone by an older one.
    for (const member of members) await member.commit()
    const offsets = await committedOffsets(groupId, topic)
    offsets.forEach((offset, p) => expect(offset).toBe(ledger.committed.get(`${topic}:${p}`)))
  })

  it('commits what stays with it while a rebalance is under way', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const ledger = new Ledger()
    const a = new TestMember('a', { groupId, topics: [topic] }, { ledger })
    await a.member.start()
    const revoking = Promise.withResolvers<void>()
    a.beforeRevoke = () => revoking.promise
    const b = new TestMember('b', { groupId, topics: [topic] }, { ledger })
    let started = false
    void b.member.start().then(() => (started = true))
    for (let offset = 1; !started || a.member.state !== 'revoking'; offset++) {
      await a.member.commit([{ topic, partition: 0, offset }])
      ledger.committed.set(`${topic}:0`, offset)
    }
    revoking.resolve()
    await expect.poll(() => b.owned.length).toBe(1)
    expect(ledger.wrongStarts).toEqual([])
  })

  it('learns that the group removed it, refuses the commit and joins anew', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const cluster = testCluster()
    const a = new TestMember('a', { groupId, topics: [topic], heartbeatMs: 3_000 }, { cluster })
    await a.member.start()
    await expect.poll(() => a.member.state).toBe('stable')
    const { memberId } = a.member
    // What the group's coordinator does with a member whose session is over.
    const leaver = { memberId, groupInstanceId: null, reason: 'test' }
    await cluster.callAny((connection) => connection.call(leaveGroup, groupId, [leaver]))
    await expect(a.member.commit([{ topic, partition: 0, offset: 9 }])).rejects.toMatchObject({
      code: 'stale_member',
    })
    expect(a.member.owns({ topic, partition: 0 })).toBe(false)
    await expect.poll(() => a.owned).toEqual(keys(topic, 0, 1))
    expect(a.events.map((event) => event.text.split(' ')[0])).toEqual(['assigned', 'lost', 'assigned'])
    expect(a.member.memberId).not.toBe(memberId)
    expect(await committedOffsets(groupId, topic)).toEqual([-1, -1])
  })

  it('fails, and leaves, where the assigned handler rejects: it must not hold what nobody reads', async () => {
    const topic = await makeTopic()
    const groupId = uniqueName('g')
    const a = new TestMember('a', { groupId, topics: [topic] })
    a.onAssigned = () => Promise.reject(new Problem('position_lost'))
    await expect(a.member.start()).rejects.toMatchObject({ code: 'position_lost' })
    await expect.poll(() => groupState(groupId)).toEqual({ state: 'Empty', members: 0 })
  })

  it('goes on after the bound where the revoked handler hangs, and refuses that partition afterwards', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const a = new TestMember('a', { groupId, topics: [topic], revokeTimeoutMs: 300 })
    await a.member.start()
    a.beforeRevoke = () => new Promise(() => {})
    const b = new TestMember('b', { groupId, topics: [topic] })
    await b.member.start()
    await expect.poll(() => b.owned.length, { timeout: 2_000 }).toBe(1)
    const [, partition] = b.owned[0]!.split(':')
    const late = a.member.commit([{ topic, partition: Number(partition), offset: 5 }])
    await expect(late).rejects.toMatchObject({ code: 'stale_member', status: 409 })
    await expect(
      a.member.commit([{ topic, partition: 1 - Number(partition), offset: 5 }]),
    ).resolves.toBeUndefined()
  })

  it('sends only the last of many commits that overlap, and confirms them all', async () => {
    const topic = await makeTopic()
    const groupId = uniqueName('g')
    const a = new TestMember('a', { groupId, topics: [topic] })
    await a.member.start()
    const offsets = Array.from({ length: 500 }, (_, i) => i + 1)
    await Promise.all(offsets.map((offset) => a.member.commit([{ topic, partition: 0, offset }])))
    expect(await committedOffsets(groupId, topic)).toEqual([500])
    await expect(a.member.commit([{ topic, partition: 0, offset: -1 }])).rejects.toMatchObject({
      code: 'invalid_offset',
    })
    await expect(a.member.commit([{ topic, partition: 7, offset: 1 }])).rejects.toMatchObject({
      code: 'stale_member',
    })
  })

  it('owns nothing of a topic that does not exist until it is made', async () => {
    const topic = uniqueName()
    const a = new TestMember('a', { groupId: uniqueName('g'), topics: [topic] })
    await a.member.start()
    expect(a.owned).toEqual([])
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }))
    onTestFinished(() => withAdmin((admin) => admin.deleteTopics({ topics: [topic] })))
    await expect.poll(() => a.owned, { timeout: 5_000 }).toEqual(keys(topic, 0, 1))
  })

  it('gets partitions that are added to a topic', async () => {
    const topic = await makeTopic({ partitions: 1 })
    const groupId = uniqueName('g')
    const ledger = new Ledger()
    const a = new TestMember('a', { groupId, topics: [topic] }, { ledger })
    const b = new TestMember('b', { groupId, topics: [topic] }, { ledger })
    await Promise.all([a.member.start(), b.member.start()])
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] }))
    await expect.poll(() => [a.owned.length, b.owned.length], { timeout: 6_000 }).toEqual([2, 2])
    expect(ledger.overlaps).toEqual([])
  })

  it('loses a topic that is made again and starts the new one afresh, whatever was committed late', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const a = new TestMember('a', { groupId, topics: [topic] })
    await a.member.start()
    await makeAgain(topic, 2)
    // The member still believes to hold the old topic: Kafka takes the commit, by name, for the new one.
    await a.member.commit([{ topic, partition: 0, offset: 1_000 }])
    await expect.poll(() => a.events.length, { timeout: 6_000 }).toBeGreaterThanOrEqual(3)
    expect(a.events.map((event) => event.text.split(' ')[0])).toEqual(['assigned', 'lost', 'assigned'])
    expect([...a.positions.values()].map(({ offset }) => offset)).toEqual([0, 0])
  })

  it('gives up a topic that is deleted, and stays in the group', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const kept = await makeTopic()
    const a = new TestMember('a', { groupId: uniqueName('g'), topics: [topic, kept] })
    await a.member.start()
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))
    await expect.poll(() => a.owned, { timeout: 12_000 }).toEqual(keys(kept, 0))
    expect(a.problems).toEqual([])
  })

  it('rejects start() with group_incompatible where another client of the group has no assignor in common', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const consumer = witness().consumer({ groupId })
    onTestFinished(() => consumer.disconnect())
    await consumer.connect()
    await consumer.subscribe({ topic })
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
    await consumer.run({ eachMessage: async () => {} })
    await joined
    const a = new TestMember('a', { groupId, topics: [topic] })
    await expect(a.member.start()).rejects.toMatchObject({ code: 'group_incompatible', status: 409 })
    expect(a.member.state).toBe('failed')
    expect(a.problems).toEqual([])
    expect(await groupState(groupId)).toMatchObject({ members: 1 })
  })

  it('rejects start() with session_timeout_refused where the brokers do not allow the session timeout', async () => {
    const topic = await makeTopic()
    const a = new TestMember('a', { groupId: uniqueName('g'), topics: [topic], sessionTimeoutMs: 1_000 })
    await expect(a.member.start()).rejects.toMatchObject({ code: 'session_timeout_refused' })
  })

  it('leaves in the middle of joining without leaving a member behind', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const cluster = testCluster()
    const a = new TestMember('a', { groupId, topics: [topic] }, { cluster })
    await a.member.start()
    for (let delay = 0; delay < 40; delay += 2) {
      const b = new TestMember('b', { groupId, topics: [topic] }, { cluster })
      const start = b.member.start()
      await sleep(delay)
      await b.leave()
      await start.catch((error: unknown) => expect(error).toMatchObject({ code: 'stale_member' }))
    }
    await expect.poll(() => groupState(groupId), { timeout: 3_000 }).toEqual({ state: 'Stable', members: 1 })
    await expect.poll(() => a.owned).toEqual(keys(topic, 0, 1))
  })
})
