import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { useOwnAdminCluster } from '../../support/admin-cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { removeTopic, uniqueName, witness } from '../../support/kafka.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const cluster = useOwnAdminCluster()

/** So slow that what has to be copied at this rate goes on until it is cancelled, bytes a second. */
const CRAWL = 1

async function client(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

/** A topic with its replicas where they are told to be: `1:2,2:3` has two partitions. */
async function placedTopic(assignment: string): Promise<string> {
  const topic = uniqueName()
  const args = ['--create', '--topic', topic, '--replica-assignment', assignment]
  await kafkaTool('kafka-topics', args, cluster.bootstrap)
  onTestFinished(() => removeTopic(topic, cluster.bootstrap))
  return topic
}

/** Megabytes enough that a throttle is felt: the first megabyte is always let through. */
async function fill(topic: string): Promise<void> {
  const producer = witness(cluster.bootstrap).producer()
  await producer.connect()
  for (let i = 0; i < 6; i++) {
    await producer.send({ topic, messages: [{ partition: 0, value: Buffer.alloc(900_000, i) }] })
  }
  await producer.disconnect()
}

const describeTopic = (topic: string) =>
  kafkaTool('kafka-topics', ['--describe', '--topic', topic], cluster.bootstrap)

const describeThrottle = (topic: string) =>
  kafkaTool(
    'kafka-configs',
    ['--entity-type', 'topics', '--entity-name', topic, '--describe'],
    cluster.bootstrap,
  )

const listed = () => kafkaTool('kafka-reassign-partitions', ['--list'], cluster.bootstrap)

async function replicasOf(api: HttpClient, topic: string): Promise<number[][]> {
  const { json } = await api.get(`/v1/topics/${topic}`)
  return (json as { partitions: { replicas: number[] }[] }).partitions.map(({ replicas }) => replicas)
}

async function leadersOf(api: HttpClient, topic: string): Promise<(number | null)[]> {
  const { json } = await api.get(`/v1/topics/${topic}`)
  return (json as { partitions: { leader: number | null }[] }).partitions.map(({ leader }) => leader)
}

describe('reassignments', () => {
  it('move a throttled partition, are followed and cancelled, as kafka-reassign-partitions sees it', async () => {
    const api = await client()
    const topic = await placedTopic('1:2')
    await fill(topic)
    const assignments = [{ topic, partition: 0, replicas: [2, 3] }]
    const step = { topic, partition: 0, from: [1, 2], to: [2, 3] }
    const dry = await api.post('/v1/reassignments', { assignments, dryRun: true })
    expect(dry).toMatchObject({ status: 200, json: { results: [step], dryRun: true } })
    expect(await replicasOf(api, topic)).toEqual([[1, 2]])

    const throttleBytesPerSecond = CRAWL
    onTestFinished(async () => {
      await api.delete(`/v1/reassignments?topic=${topic}`)
      await api.delete('/v1/reassignments/throttle')
    })
    const begun = await api.post('/v1/reassignments', { assignments, throttleBytesPerSecond })
    expect(begun).toMatchObject({ status: 202, json: { results: [step], dryRun: false } })
    const { json } = await api.get(`/v1/reassignments?topic=${topic}`)
    expect(json).toMatchObject({
      reassignments: [{ topic, partition: 0, target: [2, 3], adding: [3], removing: [1], isr: [1, 2] }],
      unanswered: [],
    })
    const [{ leaderBytes, copiedBytes }] = (
      json as { reassignments: { leaderBytes: number; copiedBytes: number }[] }
    ).reassignments as [{ leaderBytes: number; copiedBytes: number }]
    expect(leaderBytes).toBeGreaterThan(5_000_000)
    expect(copiedBytes).toBeLessThan(leaderBytes)
    expect(await listed()).toContain(`${topic}-0: replicas: 2,3,1. adding: 3. removing: 1.`)
    expect(await describeThrottle(topic)).toMatch(/leader\.replication\.throttled\.replicas=0:1,0:2/)
    expect(await describeThrottle(topic)).toMatch(/follower\.replication\.throttled\.replicas=0:3/)

    // The same again is the same; elsewhere is not.
    expect(await api.post('/v1/reassignments', { assignments })).toMatchObject({ status: 202 })
    const other = { assignments: [{ topic, partition: 0, replicas: [3, 1] }] }
    const refused = await api.post('/v1/reassignments', other)
    expect(refused.json).toMatchObject({ code: 'reassignment_in_progress', status: 409 })
    const early = await api.delete('/v1/reassignments/throttle')
    expect(early.json).toMatchObject({ code: 'reassignment_in_progress' })

    const back = { topic, partition: 0, from: [2, 3, 1], to: [2, 1] }
    const wouldCancel = await api.delete(`/v1/reassignments?topic=${topic}&dryRun=true`)
    expect(wouldCancel.json).toMatchObject({ results: [back], dryRun: true })
    expect(await listed()).toContain(`${topic}-0`)
    const cancelled = await api.delete(`/v1/reassignments?topic=${topic}&partition=0`)
    expect(cancelled).toMatchObject({ status: 200, json: { results: [back], dryRun: false } })
    expect(await listed()).not.toContain(topic)
    const again = await api.delete(`/v1/reassignments?topic=${topic}`)
    expect(again.json).toMatchObject({ code: 'no_reassignment', status: 404 })

    const free = await api.delete('/v1/reassignments/throttle')
    expect(free.json).toMatchObject({
      topics: expect.arrayContaining([topic]),
      brokers: [1, 2, 3],
      dryRun: false,
    })
    expect(await describeThrottle(topic)).not.toContain('throttled')
    const rates = ['--entity-type', 'brokers', '--entity-name', '1', '--describe']
    expect(await kafkaTool('kafka-configs', rates, cluster.bootstrap)).not.toContain('throttled.rate')
  })

  it('begun by kafka-reassign-partitions are shown and cancelled', async () => {
    const api = await client()
    const topic = await placedTopic('3:1')
    await fill(topic)
    const file = join(temporaryDir(), 'plan.json')
    writeFileSync(
      file,
      JSON.stringify({ version: 1, partitions: [{ topic, partition: 0, replicas: [2, 1] }] }),
    )
    const execute = ['--execute', '--reassignment-json-file', file, '--throttle', String(CRAWL)]
    onTestFinished(async () => {
      await api.delete(`/v1/reassignments?topic=${topic}`)
      await api.delete('/v1/reassignments/throttle')
    })
    await kafkaTool('kafka-reassign-partitions', execute, cluster.bootstrap)
    const shown = await api.get(`/v1/reassignments?topic=${topic}`)
    expect(shown.json).toMatchObject({ reassignments: [{ target: [2, 1], adding: [2], removing: [3] }] })
    await api.delete(`/v1/reassignments?topic=${topic}`)
    const free = await api.delete('/v1/reassignments/throttle')
    expect(free.json).toMatchObject({ topics: expect.arrayContaining([topic]) })
    const verify = ['--verify', '--reassignment-json-file', file]
    const verified = await kafkaTool('kafka-reassign-partitions', verify, cluster.bootstrap)
    expect(verified).toContain('There is no active reassignment')
  })

  it('planned here spread topics evenly, and change how many replicas there are', async () => {
    const api = await client()
    const topics = [await placedTopic('1:2,1:2,1:2'), await placedTopic('1:2,1:2,1:2')]
    const counts = (lists: number[][]) =>
      [1, 2, 3].map((id) => lists.flat().filter((node) => node === id).length)
    const all = async () => (await Promise.all(topics.map((topic) => replicasOf(api, topic)))).flat()
    const dry = await api.post('/v1/reassignments', { topics, dryRun: true })
    const planned = (dry.json as { results: { to: number[] }[] }).results.map(({ to }) => to)
    expect(counts(planned)).toEqual([4, 4, 4])
    expect((await api.post('/v1/reassignments', { topics })).status).toBe(202)
    await expect.poll(all, { timeout: 15_000 }).toEqual(planned)
    await expect
      .poll(() => api.get(`/v1/reassignments?topic=${topics[0]}`))
      .toMatchObject({ json: { reassignments: [] } })
    // In place: nothing to do.
    await expect.poll(() => api.post('/v1/reassignments', { topics })).toMatchObject({ status: 200 })

    const more = await api.post('/v1/reassignments', { topics, replicationFactor: 3 })
    expect(more.status).toBe(202)
    await expect.poll(() => describeTopic(topics[0]!), { timeout: 15_000 }).toMatch(/ReplicationFactor: 3/)
    await expect.poll(async () => counts(await all()), { timeout: 15_000 }).toEqual([6, 6, 6])
    const moving = async () => {
      const list = await listed()
      return topics.filter((topic) => list.includes(topic))
    }
    await expect.poll(moving, { timeout: 15_000 }).toEqual([])
    const fewer = await api.post('/v1/reassignments', { topics, replicationFactor: 1, brokers: [3] })
    expect(fewer.status).toBe(202)
    await expect.poll(async () => counts(await all()), { timeout: 15_000 }).toEqual([0, 0, 6])
  })

  it('are refused where anything is wrong, and then nothing is begun', async () => {
    const api = await client()
    const topic = await placedTopic('1:2')
    const one = (replicas: number[], more: object = {}) => ({
      assignments: [{ topic, partition: 0, replicas, ...more }],
    })
    const cases: [body: object, code: string, pointer: string][] = [
      [one([1, 99]), 'invalid_assignment', '/assignments/0/replicas/1'],
      [one([3, 3]), 'invalid_assignment', '/assignments/0/replicas/1'],
      [
        { assignments: [...one([3]).assignments, ...one([2]).assignments] },
        'invalid_assignment',
        '/assignments/1',
      ],
      [one([3], { partition: 7 }), 'partition_not_found', '/assignments/0/partition'],
      [one([3], { topic: 'nothing-of-this-name' }), 'topic_not_found', '/assignments/0/topic'],
      [one([3], { topic: '__consumer_offsets' }), 'internal_topic', '/assignments/0/topic'],
      [one([]), 'invalid_request', '/assignments/0/replicas'],
      [{ topics: ['nothing-of-this-name'] }, 'topic_not_found', '/topics/0'],
      [{ topics: [topic], replicationFactor: 4 }, 'invalid_assignment', '/replicationFactor'],
      [{ topics: [topic], brokers: [1] }, 'invalid_assignment', '/brokers'],
      [{ topics: [topic], brokers: [1, 77] }, 'invalid_assignment', '/brokers/1'],
      [{ ...one([3]), topics: [topic] }, 'invalid_request', '/topics'],
      [{ ...one([3]), replicationFactor: 1 }, 'invalid_request', '/replicationFactor'],
      [{ topics: [topic], throttleBytesPerSecond: 0 }, 'invalid_request', '/throttleBytesPerSecond'],
      [{}, 'invalid_request', ''],
    ]
    for (const [body, code, pointer] of cases) {
      const { json } = await api.post('/v1/reassignments', body)
      expect([body, json]).toMatchObject([body, { code, errors: [{ pointer }] }])
    }
    expect((await api.get('/v1/reassignments?partition=x')).json).toMatchObject({ code: 'invalid_parameter' })
    expect(await replicasOf(api, topic)).toEqual([[1, 2]])
    expect(await listed()).not.toContain(topic)
  })
})

describe('elections', () => {
  it('give partitions back to their preferred leaders, as kafka-leader-election does', async () => {
    const api = await client()
    const topic = await placedTopic('1:2,2:3')
    // Another order of the same replicas prefers another leader, who is not elected by that.
    const prefer = async (first: number[], second: number[]) => {
      const assignments = [first, second].map((replicas, partition) => ({ topic, partition, replicas }))
      expect((await api.post('/v1/reassignments', { assignments })).status).toBe(202)
      await expect.poll(() => replicasOf(api, topic)).toEqual([first, second])
    }
    await prefer([2, 1], [3, 2])
    expect(await leadersOf(api, topic)).toEqual([1, 2])
    const results = [
      { topic, partition: 0, leaderBefore: 1, leader: 2 },
      { topic, partition: 1, leaderBefore: 2, leader: 3 },
    ]
    const dry = await api.post('/v1/elections', { topics: [topic], dryRun: true })
    expect(dry.json).toEqual({ results, dryRun: true })
    expect(await leadersOf(api, topic)).toEqual([1, 2])
    const one = await api.post('/v1/elections', { partitions: [{ topic, partition: 0 }] })
    expect(one.json).toEqual({ results: [results[0]], dryRun: false })
    expect(await describeTopic(topic)).toMatch(/Partition: 0\s+Leader: 2\s/)
    const all = await api.post('/v1/elections', { topics: [topic] })
    expect(all.json).toEqual({ results: [{ ...results[0], leaderBefore: 2 }, results[1]], dryRun: false })
    expect(await describeTopic(topic)).toMatch(/Partition: 1\s+Leader: 3\s/)

    await prefer([1, 2], [2, 3])
    const elect = ['--election-type', 'preferred', '--topic', topic, '--partition', '0']
    await kafkaTool('kafka-leader-election', elect, cluster.bootstrap)
    await expect.poll(() => leadersOf(api, topic)).toEqual([1, 3])
  })

  it('are refused where anything is wrong', async () => {
    const api = await client()
    const topic = await placedTopic('1:2')
    const cases: [body: object, code: string, pointer: string][] = [
      [{ topics: ['nothing-of-this-name'] }, 'topic_not_found', '/topics/0'],
      [{ topics: ['__consumer_offsets'] }, 'internal_topic', '/topics/0'],
      [{ partitions: [{ topic, partition: 5 }] }, 'partition_not_found', '/partitions/0/partition'],
      [{ type: 'unclean' }, 'invalid_request', '/type'],
      [{ type: 'clean' }, 'invalid_request', '/type'],
    ]
    for (const [body, code, pointer] of cases) {
      const { json } = await api.post('/v1/elections', body)
      expect([body, json]).toMatchObject([body, { code, errors: [{ pointer }] }])
    }
    // One that has a leader needs no unclean election.
    const unclean = await api.post('/v1/elections', { type: 'unclean', topics: [topic] })
    expect(unclean.json).toMatchObject({ results: [{ leaderBefore: 1, leader: 1 }] })
  })
})
