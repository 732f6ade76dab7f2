import { createServer } from 'node:http'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Guard } from '../../src/auth/guard.ts'
import { createBackend } from '../../src/backend.ts'
import { loadConfig } from '../../src/config/config.ts'
import { listen } from '../../src/http/server.ts'
import type { BrokerConnection } from '../../src/kafka/broker-connection.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import { ByteBudget } from '../../src/kafka/writer/byte-budget.ts'
import { Problem } from '../../src/problems/problem.ts'
import { Admission } from '../../src/limits/admission.ts'
import { Meters } from '../../src/metrics/meters.ts'
import { createObserver } from '../../src/http/request-observer.ts'
import { StreamSlots } from '../../src/streams/slots.ts'
import { createWsServer } from '../../src/ws/server.ts'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { brokers, makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { connect } from '../support/ws.ts'
import { GroupLedger, owned } from '../support/ws-ledger.ts'

/** A cluster whose answers about offsets can be held up, or fail. */
class MoodyCluster extends Cluster {
  /** Waited for before each question. */
  mood: () => Promise<void> = () => Promise.resolve()
  questions = 0

  override async control(nodeId: number): Promise<BrokerConnection> {
    this.questions++
    await this.mood()
    return super.control(nodeId)
  }
}

/** The WebSocket side of a gateway on a cluster with moods. */
async function startMoodyGateway(): Promise<{ readonly url: string; readonly cluster: MoodyCluster }> {
  const config = loadConfig({
    KAFKA_BROKERS: brokers(),
    SLUICE_LOG_LEVEL: 'silent',
    SLUICE_PRODUCE_TIMEOUT_MS: '1000',
  })
  const log = pino({ level: 'silent' })
  const cluster = new MoodyCluster(config.kafka)
  const meters = new Meters(10)
  const guard = new Guard()
  const deps = {
    ...createBackend(cluster, config, log),
    config,
    log,
    guard,
    admission: new Admission(guard, config.limits, meters.limits),
    tickets: undefined,
    clients: undefined,
    hold: () => () => {},
    budget: new ByteBudget(0, 0),
    slots: new StreamSlots(config.limits.maxStreams),
    meters,
    observer: createObserver({ meters, log, accessLog: false, audit: undefined, tracing: undefined }),
    audit: undefined,
    tracing: undefined,
    draining: () => false,
    stopping: new AbortController().signal,
  }
  const streams = createWsServer(deps)
  const server = createServer()
  server.on('upgrade', streams.upgrade)
  const url = await listen(server, '127.0.0.1', 0)
  onTestFinished(async () => {
    await streams.drain(2_000)
    server.close()
    await cluster.close()
  })
  return { url, cluster }
}

describe('a member whose gateway Kafka does not tell where to start', () => {
  it('asks again, and starts when it is told', async () => {
    const { url, cluster } = await startMoodyGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(5))
    cluster.mood = async () => {
      if (cluster.questions < 6) throw new Problem('kafka_unavailable')
    }
    const client = connect({ url }, { topics: topic, group, from: 'earliest' })
    await client.received(5)
    expect(cluster.questions).toBeGreaterThanOrEqual(6)
    expect(client.frames[0]).toMatchObject({ type: 'assigned', partitions: [{ offset: 0 }] })
    await expect.poll(() => committedOffsets(group, topic)).toEqual([5])
  })

  it('is closed with the problem where it will not be told', async () => {
    const { url, cluster } = await startMoodyGateway()
    const topic = await makeTopic()
    cluster.mood = () => Promise.reject(new Problem('kafka_authorization', { detail: 'No.' }))
    const client = connect({ url }, { topics: topic, group: uniqueName('g'), from: 'earliest' })
    expect(await client.closed).toMatchObject({ code: 4403 })
    expect(client.frames).toMatchObject([{ type: 'error', code: 'kafka_authorization' }])
  })

  it('is closed with 1011, and told nothing of the cause, where the gateway itself fails', async () => {
    const { url, cluster } = await startMoodyGateway()
    const topic = await makeTopic()
    cluster.mood = () => Promise.reject(new TypeError('secret of the inside'))
    for (const group of ['', uniqueName('g')]) {
      const client = connect({ url }, { topics: topic, from: 'earliest', ...(group && { group }) })
      expect(await client.closed).toMatchObject({ code: 1011 })
      expect(client.frames).toMatchObject([{ type: 'error', code: 'internal_error' }])
      expect(JSON.stringify(client.frames)).not.toContain('secret')
    }
  })

  it('never starts on what was given to another while it waited, and does on what was not', async () => {
    const { url, cluster } = await startMoodyGateway()
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const ledger = new GroupLedger()
    const { promise: told, resolve: tell } = Promise.withResolvers<void>()
    cluster.mood = () => told
    const slow = ledger.join({ url }, 'slow', query)
    await expect.poll(() => cluster.questions).toBeGreaterThan(0)
    const quick = ledger.join(gateway, 'quick', query)
    // The group waits for the slow one no longer than it must.
    await quick.until('a partition', () => owned(quick).length === 1, 12_000)
    tell()
    await slow.until('a partition', () => owned(slow).length === 1)
    await produce(topic, [...numbered(50), ...numbered(50, { partition: 1 })])
    await ledger.expectAll(topic)
    expect(owned(slow)).not.toEqual(owned(quick))
    expect(slow.all('assigned').flatMap(({ partitions }) => partitions)).toHaveLength(1)
  })

  it('leaves nothing behind where the socket closes while it waits', async () => {
    const { url, cluster } = await startMoodyGateway()
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    const { promise: told, resolve: tell } = Promise.withResolvers<void>()
    cluster.mood = () => told
    const gone = connect({ url }, { topics: topic, group, from: 'earliest' })
    await expect.poll(() => cluster.questions).toBeGreaterThan(0)
    gone.destroy()
    const next = connect(gateway, { topics: topic, group, from: 'earliest' })
    await next.frame('caughtUp', { ms: 3_000 })
    tell()
    await produce(topic, numbered(1))
    await next.received(1)
  })
})
