import { resolve } from 'node:path'
import { brokers } from './kafka.ts'
import { TestProcess } from './start-process.ts'

const root = resolve(import.meta.dirname, '../..')

/** A gateway in a process of its own, which can be stopped in its tracks or killed; ended when the test ends. */
export async function startGatewayProcess(
  env: Record<string, string> = {},
): Promise<{ readonly url: string; readonly process: TestProcess }> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SLUICE|KAFKA)_/.test(name))
  const child = new TestProcess(process.execPath, ['bin/sluice.mjs', 'serve'], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), SLUICE_PORT: '0', KAFKA_BROKERS: brokers(), ...env },
  })
  const [, url = ''] = await child.printed(/"url":"([^"]+)"/)
  return { url, process: child }
}
