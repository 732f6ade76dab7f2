import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { startTemporaryBroker } from '../../../dev/kafka/temporary-broker.ts'
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
})
