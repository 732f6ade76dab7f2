import { join } from 'node:path'
import { expect, it } from 'vitest'
import { TestProcess } from '../support/start-process.ts'

it('no promise is broken in a short run of every route, over three brokers and two gateways that fail by turns', async () => {
  const { PATH = '' } = process.env
  const args = [join(import.meta.dirname, '../../soak/run.ts'), '--seconds', '25']
  const { code, stdout, stderr } = await new TestProcess(process.execPath, args, { env: { PATH } }).ended
  expect(stdout).toContain('| single |')
  if (code !== 0) throw new Error(`${stdout}\n${stderr}`)
}, 240_000)
