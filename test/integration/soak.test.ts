import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TestProcess } from '../support/start-process.ts'

/** Runs it; what it prints. @throws Error with all of that where a promise was broken */
async function soak(...args: string[]): Promise<string> {
  const { PATH = '' } = process.env
  const run = [join(import.meta.dirname, '../../soak/run.ts'), ...args]
  const { code, stdout, stderr } = await new TestProcess(process.execPath, run, { env: { PATH } }).ended
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`)
  return stdout
}

describe('no promise is broken in a short run over three brokers and two gateways', () => {
  it('of every route to produce, where they fail by turns', async () => {
    expect(await soak('--seconds', '25')).toContain('| single |')
  }, 240_000)

  it('of consumers of every kind, where members come and go, gateways and brokers fail, and one hardly reads', async () => {
    const printed = await soak('consume', '--seconds', '2', '--members', '4')
    for (const scenario of ['churn', 'replica', 'brokers', 'crowd']) {
      expect(printed).toContain(`| ${scenario} |`)
    }
    expect(printed).toContain('closed with 4508')
  }, 240_000)
})
