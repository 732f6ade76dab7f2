import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../dev/kafka/cluster.ts'
import { findCoordinator, GROUP_KEY } from '../../src/kafka/wire/group-apis.ts'
import { startTestGateway } from '../support/gateway.ts'
import { testCluster } from '../support/group-members.ts'
import { addPartitions, makeAgain, makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, type WsClient } from '../support/ws.ts'

/** By when what was produced must have come, whatever happened just before, ms. */
const STALLED_MS = 30_000
const PARTITIONS = 4

async function coordinatorOf(group: string, bootstrap: string): Promise<number> {
  const { coordinators } = await testCluster(bootstrap).callAny((connection) =>
    connection.call(findCoordinator, GROUP_KEY, [group]),
  )
  return coordinators[0]!.nodeId
}

async function leaderOf(topic: string, partition: number, bootstrap: string): Promise<number> {
  const { topics } = await withAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }), bootstrap)
  return topics[0]!.partitions.find(({ partitionId }) => partitionId === partition)!.leader
}

/** How many replicas of each partition are in sync. */
async function inSync(topic: string, bootstrap: string): Promise<number[]> {
  const { topics } = await withAdmin((admin) => admin.fetchTopicMetadata({ topics: [topic] }), bootstrap)
  return topics[0]!.partitions.map(({ isr }) => isr.length)
}

async function startKafka(): Promise<TemporaryCluster> {
  const kafka = await startTemporaryCluster(3)
  onTestFinished(() => kafka.stop())
  return kafka
}

describe('a member of a group reads what is produced', { timeout: 180_000 }, () => {
  it('after its partitions moved to other leaders, and after its coordinator was killed, also where it was away then', async () => {
    const kafka = await startKafka()
    const { bootstrap } = kafka
    const topic = await makeTopic({ partitions: PARTITIONS, replicationFactor: 3 }, bootstrap)
    const group = uniqueName('g')
    const gateway = await startTestGateway({
      KAFKA_BROKERS: bootstrap,
      SLUICE_GROUP_SESSION_TIMEOUT_MS: '30000',
    })
    const query = { topics: topic, group, from: 'earliest' }
    const goes = connect(gateway, { ...query, grace: '60000' })
    await goes.frame('assigned')
    const stays = connect(gateway, query)
    let round = 0
    /** Two records to each partition: both members get theirs, and have them committed. */
    const expectProgress = async (...clients: WsClient[]) => {
      const from = round++ * 2
      const messages = Array.from({ length: PARTITIONS }, (_, partition) =>
        numbered(2, { partition, from }),
      ).flat()
      await expect
        .poll(
          () =>
            produce(topic, messages, { bootstrap }).then(
              () => true,
              () => false,
            ),
          { timeout: STALLED_MS },
        )
        .toBe(true)
      const last = () =>
        clients.flatMap((client) => client.all('committed')).flatMap(({ offsets }) => offsets)
      await expect
        .poll(
          () =>
            new Set(last().flatMap(({ partition, offset }) => (offset >= from + 2 ? [partition] : []))).size,
          { timeout: STALLED_MS },
        )
        .toBe(PARTITIONS)
    }
    await expectProgress(goes, stays)

    // Every partition to the next broker, as an operator moves them.
    await withAdmin(async (admin) => {
      const moved = Array.from({ length: PARTITIONS }, (_, partition) => ({
        partition,
        replicas: [((partition + 1) % 3) + 1],
      }))
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: moved }] })
      const back = moved.map(({ partition, replicas }) => ({
        partition,
        replicas: [replicas[0]!, (replicas[0]! % 3) + 1, ((replicas[0]! + 1) % 3) + 1],
      }))
      await expect.poll(() => leaderOf(topic, 0, bootstrap), { timeout: STALLED_MS }).toBe(2)
      await expectProgress(goes, stays)
      await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: back }] })
    }, bootstrap)
    await expectProgress(goes, stays)
    // Else what the killed broker leads would have nowhere to go.
    await expect
      .poll(() => inSync(topic, bootstrap), { timeout: STALLED_MS })
      .toEqual(Array<number>(PARTITIONS).fill(3))

    const token = (await goes.frame('resumable')).token
    goes.destroy()
    await goes.closed
    const nodeId = await coordinatorOf(group, bootstrap)
    await kafka.brokers.find((broker) => broker.nodeId === nodeId)!.kill9()
    const back = connect(gateway, { resume: token })
    expect(await back.frame('resumable', { ms: STALLED_MS })).toMatchObject({ kept: true })
    await expectProgress(back, stays)
    expect(stays.all('revoked')).toHaveLength(0)
    expect([...back.all('error'), ...stays.all('error')].filter(({ retryable }) => !retryable)).toEqual([])
  })

  it('though its topic is made again and again while records are written, and has partitions added', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic, group: uniqueName('g'), from: 'latest' })
    await client.frame('caughtUp')
    for (let i = 0; i < 3; i++) {
      await makeAgain(topic)
      await addPartitions(topic, 2)
      const from = i * 10
      const messages = [0, 1].flatMap((partition) => numbered(3, { partition, from }))
      await expect
        .poll(
          () =>
            produce(topic, messages).then(
              () => true,
              () => false,
            ),
          { timeout: STALLED_MS },
        )
        .toBe(true)
      // What was read of the topic as it was found may come again when the group has found it, too.
      const came = () => {
        const own = client.records.filter(({ value }) => Number(String(value).replace(/\D/g, '')) >= from)
        return new Set(own.map(({ partition, offset }) => `${partition}:${offset}`))
      }
      await expect
        .poll(came, { timeout: STALLED_MS })
        .toEqual(new Set(['0:0', '0:1', '0:2', '1:0', '1:1', '1:2']))
    }
  })
})
