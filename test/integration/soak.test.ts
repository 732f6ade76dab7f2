import { join } from 'node:path'
import { expect, it } from 'vitest'
import { TestProcess } from '../support/start-process.ts'

it('no promise is broken in a short run of every route, over three brokers and two gateways that fail by turns', async () => {
  const { PATH = '' } = process.env
  const args = [join(import.meta.dirname, '../../soak/run.ts'), '--seconds', '25']
  const { code, stdout, stderr } = await new TestProcess(process.execPath, args, { env: { PATH } }).ended
  // The seed and the faults, where it fails.
  expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining('| single |') })
}, 240_000)
