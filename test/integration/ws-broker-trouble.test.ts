import { describe, expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect, placesOf, WsClient, wsUrl } from '../support/ws.ts'

describe('a WebSocket while Kafka is in trouble', () => {
  it('goes on without reconnecting after the broker was killed and came back: nothing lost, commits go on', async () => {
    const kafka = await startTemporaryBroker()
    onTestFinished(() => kafka.stop())
    const { bootstrap, broker } = kafka
    const topic = await makeTopic({ partitions: 2 }, bootstrap)
    const group = uniqueName('g')
    const gateway = await startTestGateway({
      KAFKA_BROKERS: bootstrap,
      SLUICE_SHUTDOWN_TIMEOUT_MS: '2000',
      // Longer than the broker is away: what was acked stays the members' to commit.
      SLUICE_GROUP_SESSION_TIMEOUT_MS: '60000',
    })
    const auto = connect(gateway, { topics: topic, group, from: 'earliest' })
    const acking = connect(gateway, {
      topics: topic,
      group: `${group}-acks`,
      from: 'earliest',
      ack: 'client',
    })
    const reader = connect(gateway, { topics: topic, from: 'earliest' })
    const clients = [auto, acking, reader]
    await produce(topic, [...numbered(10), ...numbered(10, { partition: 1 })], { bootstrap })
    await Promise.all(clients.map((client) => client.received(20)))
    await expect.poll(() => committedOffsets(group, topic, bootstrap)).toEqual([10, 10])

    await broker.kill9()
    // Acked while nobody can take it: the client won't ack again, so the gateway has to see it through.
    acking.ack({ topic, partition: 0, offset: 9 }, { topic, partition: 1, offset: 9 })
    await broker.restart()
    await produce(topic, [...numbered(5, { from: 10 }), ...numbered(5, { from: 10, partition: 1 })], {
      bootstrap,
    })

    for (const client of clients) {
      await client.received(30, 30_000)
      expect(new Set(placesOf(client.records)).size, 'nothing is repeated').toBe(client.records.length)
      expect(client.socket.readyState).toBe(client.socket.OPEN)
    }
    await expect.poll(() => committedOffsets(group, topic, bootstrap), { timeout: 15_000 }).toEqual([15, 15])
    await expect
      .poll(() => committedOffsets(`${group}-acks`, topic, bootstrap), { timeout: 15_000 })
      .toEqual([10, 10])

    // And while it hangs, a client is still sent elsewhere in time.
    broker.pause()
    onTestFinished(() => broker.resume())
    auto.send({ type: 'nonsense' })
    await auto.frame('error', { where: ({ ref }) => ref === 'nonsense' })
    const before = performance.now()
    await gateway.stop()
    expect(performance.now() - before).toBeLessThan(4_000)
    for (const client of clients) expect(await client.closed).toMatchObject({ code: 4503 })
    broker.resume()
  }, 90_000)

  it('is told at once that Kafka cannot be reached, to connect again later', async () => {
    const gateway = await startTestGateway({ KAFKA_BROKERS: '127.0.0.1:1' })
    for (const query of ['topics=t', 'topics=t&group=g']) {
      const client = new WsClient(`${wsUrl(gateway)}?${query}`)
      expect(await client.closed).toMatchObject({ code: 4500 })
      expect(client.frames).toMatchObject([{ type: 'error', code: 'kafka_unavailable', retryable: true }])
    }
  })
})
