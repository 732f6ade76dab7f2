import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../dev/kafka/broker.ts'
import { startTemporaryCluster } from '../../dev/kafka/cluster.ts'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { findCoordinator, GROUP_KEY } from '../../src/kafka/wire/group-apis.ts'
import { keys, Ledger, TestMember, testCluster } from '../support/group-members.ts'
import { brokers, makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { KafkaProxy } from '../../dev/kafka/kafka-proxy.ts'

const SYNC_GROUP = 14

const memberProcess = new URL('../support/group-member-process.ts', import.meta.url).pathname

/** A member in another process, and all that it has said. */
async function startMemberProcess(
  groupId: string,
  topic: string,
  sessionTimeoutMs: number,
  bootstrap = brokers(),
) {
  const args = [memberProcess, bootstrap, groupId, topic, String(sessionTimeoutMs)]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: string[] = []
  createInterface({ input: child.stdout! }).on('line', (line) => said.push(line))
  await expect.poll(() => said, { timeout: 10_000 }).not.toEqual([])
  return { child, said, tell: (line: string) => child.stdin!.write(`${line}\n`) }
}

/** A broker of the file's own, which takes short sessions. */
let broker: Broker
beforeAll(async () => {
  const kafka = await startTemporaryBroker({ configs: { 'group.min.session.timeout.ms': '1000' } })
  broker = kafka.broker
  return () => kafka.stop()
})

/** A commit that is not confirmed in its 10 s is made again, as a client would. */
async function commitUntilConfirmed(member: TestMember): Promise<void> {
  const since = performance.now()
  for (;;) {
    try {
      return await member.commit()
    } catch (error) {
      expect(error).toMatchObject({ code: 'kafka_unavailable' })
      if (performance.now() - since > 30_000) throw error
    }
  }
}

describe('GroupMember in trouble', { timeout: 90_000 }, () => {
  it('loses its partitions when its process stands still past the session, and cannot commit them after', async () => {
    const topic = await makeTopic({ partitions: 2 })
    const groupId = uniqueName('g')
    const stopped = await startMemberProcess(groupId, topic, 6_000)
    const b = new TestMember('b', { groupId, topics: [topic], sessionTimeoutMs: 6_000 })
    await b.member.start()
    await expect.poll(() => b.owned.length).toBe(1)
    stopped.tell('commit')
    await expect.poll(() => stopped.said).toContain('committed')
    b.ledger.committed.set(`${topic}:0`, 1_000)

    stopped.child.kill('SIGSTOP')
    await expect.poll(() => b.owned, { timeout: 12_000 }).toEqual(keys(topic, 0, 1))
    expect(b.ledger.wrongStarts).toEqual([])
    await b.member.commit([{ topic, partition: 0, offset: 2_000 }])
    // It finds both when it wakes: that its time is up, and this.
    stopped.tell('commit')
    stopped.child.kill('SIGCONT')
    await expect.poll(() => stopped.said, { timeout: 5_000 }).toContain('refused stale_member')
    expect(stopped.said).toContain('lost 0')
    expect(stopped.said.filter((line) => line === 'committed')).toHaveLength(1)
    // It comes back by itself, and resumes behind the other's commit.
    await expect.poll(() => b.owned.length, { timeout: 5_000 }).toBe(1)
    const [found] = await withAdmin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }))
    expect(found!.partitions.find((p) => p.partition === 0)!.offset).toBe('2000')
  })

  it('keeps nothing running after leave(): its process ends by itself', async () => {
    const topic = await makeTopic()
    const { child, tell } = await startMemberProcess(uniqueName('g'), topic, 10_000)
    const before = performance.now()
    tell('leave')
    const [code] = (await once(child, 'exit')) as [number]
    expect(code).toBe(0)
    expect(performance.now() - before).toBeLessThan(2_000)
  })

  it('keeps its partitions over a restart of the coordinator within the session, and confirms what it committed meanwhile', async () => {
    const topic = await makeTopic({ partitions: 3 }, broker.bootstrap)
    const groupId = uniqueName('g')
    const cluster = testCluster(broker.bootstrap)
    const options = { groupId, topics: [topic], sessionTimeoutMs: 60_000 }
    const a = new TestMember('a', options, { cluster })
    await a.member.start()
    await broker.kill9()
    a.read(7)
    await Promise.all([broker.restart(), commitUntilConfirmed(a)])
    expect(a.events.map((event) => event.text)).toEqual([`assigned ${keys(topic, 0, 1, 2).join()}`])
    expect(a.member.state).toBe('stable')
    const offsets = await withAdmin(
      (admin) => admin.fetchOffsets({ groupId, topics: [topic] }),
      broker.bootstrap,
    )
    expect(offsets[0]!.partitions.map((p) => p.offset)).toEqual(['7', '7', '7'])
  })

  it('loses its partitions when the coordinator is away for a session, by its own clock, and rejoins when it is back', async () => {
    const topic = await makeTopic({ partitions: 2 }, broker.bootstrap)
    const sessionTimeoutMs = 2_000
    const a = new TestMember(
      'a',
      { groupId: uniqueName('g'), topics: [topic], sessionTimeoutMs },
      { cluster: testCluster(broker.bootstrap) },
    )
    await a.member.start()
    const killedAt = performance.now()
    await broker.kill9()
    await expect.poll(() => a.events.length, { timeout: 5_000, interval: 10 }).toBe(2)
    const lost = a.events[1]!
    expect(lost.text).toBe(`lost ${keys(topic, 0, 1).join()}`)
    // Counted from the last heartbeat, at most one interval before the kill.
    expect(lost.at - killedAt).toBeLessThan(sessionTimeoutMs + 100)
    expect(lost.at - killedAt).toBeGreaterThan(sessionTimeoutMs - 500)
    await expect(a.member.commit([{ topic, partition: 0, offset: 1 }])).rejects.toMatchObject({
      code: 'stale_member',
    })
    await broker.restart()
    await expect.poll(() => a.owned, { timeout: 10_000 }).toEqual(keys(topic, 0, 1))
    expect(a.problems).toEqual([])
  })

  it('takes a coordinator that stands still for less than a session as slow, not as gone', async () => {
    const topic = await makeTopic({ partitions: 2 }, broker.bootstrap)
    const a = new TestMember(
      'a',
      { groupId: uniqueName('g'), topics: [topic], sessionTimeoutMs: 10_000 },
      { cluster: testCluster(broker.bootstrap) },
    )
    await a.member.start()
    broker.pause()
    a.read(3)
    const commit = a.commit()
    await expect.poll(() => performance.now() - a.events[0]!.at, { timeout: 10_000 }).toBeGreaterThan(5_000)
    broker.resume()
    await commit
    expect(a.events).toHaveLength(1)
  })

  it('refuses start() with kafka_unavailable where no coordinator can be reached', async () => {
    const a = new TestMember(
      'a',
      { groupId: uniqueName('g'), topics: ['t'] },
      { cluster: testCluster('127.0.0.1:1') },
    )
    await expect(a.member.start()).rejects.toMatchObject({ code: 'kafka_unavailable', status: 503 })
  })

  it('joins though a dead member holds the group up for longer than a coordinator is looked for, and a round fails then', async () => {
    const proxy = await KafkaProxy.start()
    onTestFinished(() => proxy.close())
    const advertised = `PLAINTEXT://127.0.0.1:${proxy.port}`
    const kafka = await startTemporaryBroker({ configs: { 'advertised.listeners': advertised } })
    onTestFinished(() => kafka.stop())
    proxy.target = Number(kafka.bootstrap.split(':')[1])
    const topic = await makeTopic({}, kafka.bootstrap)
    const groupId = uniqueName('g')
    const dead = await startMemberProcess(groupId, topic, 13_000, kafka.bootstrap)
    dead.child.kill('SIGKILL')
    const since = performance.now()
    const a = new TestMember('a', { groupId, topics: [topic] }, { cluster: testCluster(kafka.bootstrap) })
    const cut = proxy.meet(SYNC_GROUP, { responseBytes: 0 })
    const [started] = await Promise.all([a.member.start(), cut])
    expect(started).toBeUndefined()
    expect(performance.now() - since, 'held up long enough').toBeGreaterThan(10_000)
    expect(a.owned).toEqual(keys(topic, 0))
    expect(a.problems).toEqual([])
  })

  it('finds the new coordinator when a broker of three is killed, without a break in ownership', async () => {
    const kafka = await startTemporaryCluster(3)
    onTestFinished(() => kafka.stop())
    const topic = await makeTopic({ partitions: 6, replicationFactor: 3 }, kafka.bootstrap)
    const groupId = uniqueName('g')
    const ledger = new Ledger()
    const cluster = testCluster(kafka.bootstrap)
    const options = { groupId, topics: [topic], sessionTimeoutMs: 30_000 }
    const a = new TestMember('a', options, { ledger, cluster })
    const b = new TestMember('b', options, { ledger, cluster })
    await a.member.start()
    await b.member.start()
    await expect.poll(() => [a.owned.length, b.owned.length], { timeout: 5_000 }).toEqual([3, 3])
    const events = a.events.length + b.events.length

    const { coordinators } = await cluster.callAny((connection) =>
      connection.call(findCoordinator, GROUP_KEY, [groupId]),
    )
    await kafka.brokers.find((broker) => broker.nodeId === coordinators[0]!.nodeId)!.kill9()
    a.read(1)
    b.read(1)
    await Promise.all([commitUntilConfirmed(a), commitUntilConfirmed(b)])
    expect(a.events.length + b.events.length).toBe(events)
    // And a rebalance works there too.
    await b.leave()
    await expect.poll(() => a.owned.length, { timeout: 5_000 }).toBe(6)
    expect(ledger.overlaps).toEqual([])
    expect(ledger.wrongStarts).toEqual([])
  })
})
