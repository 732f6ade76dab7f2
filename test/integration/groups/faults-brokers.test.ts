import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'

let kafka: TemporaryCluster
beforeAll(async () => {
  // A group whose coordinator is gone has none until it is back.
  kafka = await startTemporaryCluster(3, { configs: { 'offsets.topic.replication.factor': '1' } })
})
afterAll(() => kafka.stop())

const slow = { timeout: 60_000, interval: 100 }

it('a coordinator that is killed costs its own groups alone; each reset is done once or not at all, as it was said', async () => {
  const client = http(await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap }))
  const options = { partitions: 1, replicationFactor: 3 }
  const topic = await makeTopic(options, kafka.bootstrap)
  const doomed = await makeTopic(options, kafka.bootstrap)
  await produce(topic, numbered(5_000), { bootstrap: kafka.bootstrap })
  const prefix = uniqueName('g')
  const pathOf = (group: string) => `/v1/groups/${group}`
  const coordinatorOf = async (group: string) =>
    ((await client.get(pathOf(group))).json as { coordinator: number }).coordinator

  // Groups at every broker.
  const names: string[] = []
  const coordinators = new Map<number, string>()
  while (coordinators.size < 3) {
    const name = `${prefix}-${names.length}`
    names.push(name)
    const put = await client.put(`${pathOf(name)}/offsets`, { to: 'earliest', topics: [topic, doomed] })
    expect(put.status).toBe(200)
    coordinators.set(await coordinatorOf(name), name)
  }
  const [node, group] = [...coordinators].at(-1)!
  const broker = kafka.brokers[node - 1]!

  let shifted = 0
  let running = true
  const shifting = (async () => {
    while (running) {
      const body = { to: { shift: 1 }, topics: [topic] }
      const answer = await client.put(`${pathOf(group)}/offsets`, body)
      if (answer.status === 200) shifted++
      else if (answer.status === 504) {
        const { partitions } = answer.json as { partitions: object[] }
        const again = () => client.put(`${pathOf(group)}/offsets`, { partitions })
        await vi.waitFor(async () => expect((await again()).status).toBe(200), slow)
        shifted++
      } else expect(answer).toMatchObject({ status: 503, json: { code: 'kafka_unavailable' } })
    }
  })()
  await vi.waitFor(() => expect(shifted).toBeGreaterThan(3), slow)
  await broker.kill9()

  // It is named, and the rest are listed.
  const listed = async () =>
    (await client.get(`/v1/groups?prefix=${prefix}`)).json as {
      groups: { group: string }[]
      unanswered: number[]
    }
  const whileDown = await listed()
  const shown = whileDown.groups.map((listed) => listed.group)
  expect(shown).not.toContain(group)
  for (const [other, name] of coordinators) if (other !== node) expect(shown).toContain(name)
  if (whileDown.unanswered.length > 0) expect(whileDown.unanswered).toEqual([node])

  // A topic that goes while the coordinator is away leaves its offsets behind.
  const remove = () => withAdmin((admin) => admin.deleteTopics({ topics: [doomed] }), kafka.bootstrap)
  await vi.waitFor(remove, slow)
  await broker.restart()
  const before = shifted
  await vi.waitFor(() => expect(shifted).toBeGreaterThan(before), slow)
  running = false
  await shifting
  expect(await committedOffsets(group, topic, kafka.bootstrap)).toEqual([shifted])
  expect((await listed()).groups.map((listed) => listed.group)).toEqual([...names].sort())

  const left = (await client.get(`${pathOf(group)}/offsets`)).json as { offsets: { topic: string }[] }
  expect(left.offsets.filter((offset) => offset.topic === doomed)).toMatchObject([
    { offset: 0, latestOffset: null, lag: null, lagMs: null, error: { code: 'topic_not_found' } },
  ])
  // Not named, it is no hindrance; nor can it be deleted but with the group.
  expect((await client.put(`${pathOf(group)}/offsets`, { to: 'latest' })).status).toBe(200)
  const deleted = await client.delete(`${pathOf(group)}/offsets?topic=${doomed}`)
  expect(deleted).toMatchObject({ status: 404, json: { code: 'topic_not_found' } })
}, 180_000)
