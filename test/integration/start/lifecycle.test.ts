import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { kafkaPid, makeDataDir, runStart, type TestProcess } from '../../support/start-process.ts'
import { withAdmin, witness } from '../../support/kafka.ts'

const ready = /Ctrl-C stops both/
const gone = (pid: number | undefined) => () => expect(() => process.kill(pid!, 0)).toThrow('ESRCH')

async function started(
  dataDir: string,
): Promise<{ run: TestProcess; url: string; kafka: string; pid: number }> {
  const run = runStart({ SLUICE_DATA_DIR: dataDir })
  await run.printed(ready)
  const [, url] = await run.printed(/^Sluice {3}(http:\S+)/m)
  const [, kafka] = await run.printed(/^Kafka {4}(\S+)/m)
  return { run, url: url!, kafka: kafka!, pid: kafkaPid(dataDir)! }
}

describe('npm start', { timeout: 90_000 }, () => {
  it('prints where it listens and lines that work as they are, and is ready then', async () => {
    const { run, url, kafka } = await started(await makeDataDir())
    const response = await fetch(`${url}/readyz`)
    expect(response.status).toBe(200)

    const lines = run.stdout.split('\n').filter((line) => line.startsWith('  '))
    const [create, produce, consume] = lines.filter((line) => /^ {2}(curl|websocat|npx) /.test(line))
    const sh = promisify(execFile)
    await sh('sh', ['-c', `${create} -fsS`])
    await sh('sh', ['-c', `${produce} -fsS`])
    const topics = await withAdmin((admin) => admin.fetchTopicOffsets('orders'), kafka)
    expect(topics).toEqual([{ partition: 0, offset: '1', high: '1', low: '0' }])
    const frames: unknown[] = []
    const socket = new WebSocket(/'(ws:[^']+)'/.exec(consume!)![1]!)
    onTestFinished(() => socket.terminate())
    socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())))
    const records = [expect.objectContaining({ topic: 'orders', offset: 0, key: '7', value: { total: 42 } })]
    await vi.waitFor(
      () => expect(frames).toContainEqual(expect.objectContaining({ type: 'records', records })),
      { timeout: 20_000 },
    )
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'stops the gateway and Kafka on %s with exit code 0',
    async (signal) => {
      const { run, url, pid } = await started(await makeDataDir())
      run.signal(signal)
      expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
      gone(pid)()
      await expect(fetch(url)).rejects.toThrow()
    },
  )

  it('keeps what was written for the next start', async () => {
    const dataDir = await makeDataDir()
    const first = await started(dataDir)
    const producer = witness(first.kafka).producer()
    await withAdmin(
      (admin) => admin.createTopics({ topics: [{ topic: 'kept' }], waitForLeaders: true }),
      first.kafka,
    )
    await producer.connect()
    await producer.send({ topic: 'kept', messages: [{ value: 'a' }, { value: 'b' }] })
    await producer.disconnect()
    first.run.signal('SIGINT')
    expect(await first.run.ended).toMatchObject({ code: 0 })

    const { kafka } = await started(dataDir)
    const offsets = await withAdmin((admin) => admin.fetchTopicOffsets('kept'), kafka)
    expect(offsets).toEqual([{ partition: 0, offset: '2', high: '2', low: '0' }])
  })

  it('stops too when Kafka dies, saying so in one sentence with the log', async () => {
    const dataDir = await makeDataDir()
    const { run, pid } = await started(dataDir)
    process.kill(pid, 'SIGKILL')
    const { code, stderr } = await run.ended
    expect(code).toBe(1)
    expect(stderr.match(/^sluice: .*$/gm)).toEqual([
      expect.stringContaining(
        `Kafka ended by SIGKILL, so Sluice stops too; its log is ${dataDir}/kafka/kafka.log`,
      ),
    ])
  })

  it('leaves no Kafka behind when it is killed itself, and starts again on the same data', async () => {
    const dataDir = await makeDataDir()
    const { run, pid } = await started(dataDir)
    run.signal('SIGKILL')
    await run.ended
    const again = await started(dataDir)
    gone(pid)()
    expect(again.pid).not.toBe(pid)
  })

  it('stops with exit code 0 and leaves nothing when interrupted while Kafka starts', async () => {
    const dataDir = await makeDataDir()
    const run = runStart({ SLUICE_DATA_DIR: dataDir })
    await run.printed(/Starting Apache Kafka/)
    const pid = await vi.waitFor(() => kafkaPid(dataDir) ?? expect.fail('not yet'), {
      timeout: 20_000,
      interval: 10,
    })
    run.signal('SIGINT')
    expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
    gone(pid)()
  })
})
