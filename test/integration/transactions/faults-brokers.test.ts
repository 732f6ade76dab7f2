import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTemporaryCluster, type TemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http } from '../../support/http.ts'
import { makeTopic } from '../../support/kafka.ts'
import { brokenTransactions, TransactionLoad } from '../../support/transaction-load.ts'

let kafka: TemporaryCluster
beforeAll(async () => {
  kafka = await startTemporaryCluster(3, {
    // What a test leaves open must not keep the next from reading.
    configs: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500' },
  })
})
afterAll(() => kafka.stop())

const slow = { timeout: 40_000, interval: 50 }
const deadlineMs = 4_000

async function setUp() {
  const gateway = await startTestGateway({
    KAFKA_BROKERS: kafka.bootstrap,
    SLUICE_PRODUCE_TIMEOUT_MS: String(deadlineMs),
  })
  const topicOptions = { partitions: 3, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }
  const topics = [
    await makeTopic(topicOptions, kafka.bootstrap),
    await makeTopic(topicOptions, kafka.bootstrap),
  ]
  const client = http(gateway)
  const load = new TransactionLoad(client, { topics, clients: 6 })
  await vi.waitFor(() => expect(load.count('committed')).toBeGreaterThan(50), slow)
  const goesOn = async () => {
    const before = load.told.length
    await vi.waitFor(() => expect(load.count('committed', before)).toBeGreaterThan(50), slow)
  }
  const broken = async () => {
    const told = await load.stop()
    return brokenTransactions(told, { client, topics, bootstrap: kafka.bootstrap, deadlineMs })
  }
  return { load, goesOn, broken }
}

describe('transactions on a cluster of three are all or nothing, as they were said to be, when', () => {
  it('a broker hangs and wakes again', async () => {
    const { load, goesOn, broken } = await setUp()
    const broker = kafka.brokers[2]!
    broker.pause()
    const before = load.told.length
    await vi.waitFor(() => expect(load.told.length).toBeGreaterThan(before + 12), slow)
    broker.resume()
    await goesOn()
    expect(await broken()).toEqual([])
  }, 120_000)

  // Last: it stays dead.
  it('a broker that leads partitions and coordinates transactions is killed', async () => {
    const { goesOn, broken } = await setUp()
    await kafka.brokers[1]!.kill9()
    await goesOn()
    expect(await broken()).toEqual([])
  }, 120_000)
})
