import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startTemporaryCluster } from '../../../dev/kafka/cluster.ts'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
import { withAdmin, witness } from '../../support/kafka.ts'
import { TestProcess } from '../../support/start-process.ts'

const gone = (pid: number) => () => expect(() => process.kill(pid, 0)).toThrow('ESRCH')

describe('a temporary broker', { timeout: 90_000 }, () => {
  it('is gone with its data after stop', async () => {
    const { broker, stop } = await startTemporaryBroker()
    await stop()
    gone(broker.pid)()
    expect(existsSync(dirname(broker.logFile))).toBe(false)
  })

  it('is gone with its data after the kill -9 of the process that started it', async () => {
    const module = resolve(import.meta.dirname, '../../../dev/kafka/temporary-broker.ts')
    const script = `
      const { startTemporaryBroker } = await import(${JSON.stringify(module)})
      const { broker } = await startTemporaryBroker()
      console.log('up', broker.pid, broker.logFile)`
    const parent = new TestProcess(process.execPath, ['--input-type=module', '-e', script], {
      env: process.env,
    })
    const [, pid, logFile] = await parent.printed(/up (\d+) (.*)\n/)
    parent.signal('SIGKILL')
    await parent.ended
    await vi.waitFor(gone(Number(pid)), { timeout: 10_000 })
    await vi.waitFor(() => expect(existsSync(dirname(logFile!))).toBe(false), { timeout: 10_000 })
  })

  it('pauses, resumes, restarts and survives kill -9 with its data, at the same address', async () => {
    const { broker, bootstrap, stop } = await startTemporaryBroker()
    onTestFinished(stop)
    await withAdmin((admin) => admin.createTopics({ topics: [{ topic: 'a' }] }), bootstrap)
    broker.pause()
    broker.resume()
    await broker.restart()
    await broker.kill9()
    await broker.restart()
    expect(broker.bootstrap).toBe(bootstrap)
    expect(await withAdmin((admin) => admin.listTopics(), bootstrap)).toEqual(['a'])
  })
})

describe('a temporary cluster', () => {
  it(
    'keeps serving when one of three brokers is killed, and takes it back',
    { timeout: 120_000 },
    async () => {
      const cluster = await startTemporaryCluster(3, { configs: { 'num.partitions': '2' } })
      onTestFinished(cluster.stop)
      const ids = cluster.brokers.map((broker) => broker.nodeId)
      expect(ids).toEqual([1, 2, 3])
      const others = cluster.brokers.slice(1).map((broker) => broker.bootstrap)
      await withAdmin(
        (admin) =>
          admin.createTopics({ topics: [{ topic: 'a', replicationFactor: 3 }], waitForLeaders: true }),
        cluster.bootstrap,
      )
      await cluster.brokers[0]!.kill9()
      const producer = witness(others.join(',')).producer({ retry: { retries: 20 } })
      await producer.connect()
      const sent = await producer.send({ topic: 'a', messages: [{ value: '1' }, { value: '2' }], acks: -1 })
      expect(sent.length).toBeGreaterThan(0)
      await producer.disconnect()
      await cluster.brokers[0]!.restart()
      const { brokers } = await withAdmin((admin) => admin.describeCluster(), others.join(','))
      expect(brokers.map((broker) => broker.nodeId).sort()).toEqual([1, 2, 3])
    },
  )
})
