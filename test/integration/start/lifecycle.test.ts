import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { kafkaPid, makeDataDir, runStart, type TestProcess } from '../../support/start-process.ts'
import { withAdmin } from '../../support/kafka.ts'

const ready = /Ctrl-C stops both/
const gone = (pid: number | undefined) => () => expect(() => process.kill(pid!, 0)).toThrow('ESRCH')

interface Started {
  readonly run: TestProcess
  readonly url: string
  readonly kafka: string
  /** Of Kafka. */
  readonly pid: number
}

async function started(dataDir: string): Promise<Started> {
  const run = runStart({ SLUICE_DATA_DIR: dataDir })
  await run.printed(ready)
  const [, url] = await run.printed(/^Sluice {3}(http:\S+)/m)
  const [, kafka] = await run.printed(/^Kafka {4}(\S+)/m)
  return { run, url: url!, kafka: kafka!, pid: kafkaPid(dataDir)! }
}

describe('npm start', { timeout: 240_000 }, () => {
  it('prints lines that work as they are, and keeps one data directory through whatever ends it', async () => {
    const dataDir = await makeDataDir()
    const first = await started(dataDir)
    expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
    await expectPrintedLinesToWork(first)

    // Nobody else comes onto the data of one that runs.
    const second = await runStart({ SLUICE_DATA_DIR: dataDir }).ended
    expect(second.code).toBe(1)
    expect(second.stderr.trimEnd().split('\n')).toEqual([
      expect.stringContaining(
        `sluice: Sluice runs already on the data directory ${dataDir} (process ${first.run.pid})`,
      ),
    ])

    // Ctrl-C stops the gateway and Kafka.
    first.run.signal('SIGINT')
    expect(await first.run.ended).toMatchObject({ code: 0, stderr: '' })
    gone(first.pid)()
    await expect(fetch(first.url)).rejects.toThrow()

    // What was written is there at the next start. Killed itself, it leaves no Kafka behind.
    const killed = await started(dataDir)
    await expectOneOrder(killed.kafka)
    killed.run.signal('SIGKILL')
    await killed.run.ended

    // It starts again on the same data, and when Kafka dies it stops too, saying so in one sentence with the log.
    const last = await started(dataDir)
    gone(killed.pid)()
    expect(last.pid).not.toBe(killed.pid)
    await expectOneOrder(last.kafka)
    process.kill(last.pid, 'SIGKILL')
    const { code, stderr } = await last.run.ended
    expect(code).toBe(1)
    expect(stderr.match(/^sluice: .*$/gm)).toEqual([
      expect.stringContaining(
        `Kafka ended by SIGKILL, so Sluice stops too; its log is ${dataDir}/kafka/kafka.log`,
      ),
    ])

    // Told to stop in other ways than by Ctrl-C, it does the same.
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      const { run, url, pid } = await started(dataDir)
      run.signal(signal)
      expect(await run.ended).toMatchObject({ code: 0, stderr: '' })
      gone(pid)()
      await expect(fetch(url)).rejects.toThrow()
    }

    // Told to stop while Kafka starts, it leaves nothing.
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

/** Runs what a start shows to be typed: it makes a topic, writes to it and reads it. */
async function expectPrintedLinesToWork({ run, kafka }: Started): Promise<void> {
  const lines = run.stdout.split('\n').filter((line) => line.startsWith('  '))
  const [create, produce, consume] = lines.filter((line) => /^ {2}(curl|websocat|npx) /.test(line))
  const sh = promisify(execFile)
  await sh('sh', ['-c', `${create} -fsS`])
  await sh('sh', ['-c', `${produce} -fsS`])
  await expectOneOrder(kafka)
  const frames: unknown[] = []
  const socket = new WebSocket(/'(ws:[^']+)'/.exec(consume!)![1]!)
  onTestFinished(() => socket.terminate())
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())))
  const records = [expect.objectContaining({ topic: 'orders', offset: 0, key: '7', value: { total: 42 } })]
  await vi.waitFor(
    () => expect(frames).toContainEqual(expect.objectContaining({ type: 'records', records })),
    { timeout: 20_000 },
  )
}

async function expectOneOrder(kafka: string): Promise<void> {
  const offsets = await withAdmin((admin) => admin.fetchTopicOffsets('orders'), kafka)
  expect(offsets).toEqual([{ partition: 0, offset: '1', high: '1', low: '0' }])
}
