import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { startTestGateway } from '../support/gateway.ts'
import { pythonEnv } from '../support/python.ts'

const root = join(import.meta.dirname, '../..')
const folder = join(root, 'test/schemathesis')

/** Runs a program to its end, whatever its exit code, in a folder that takes what it leaves behind. */
function run(
  file: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; output: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'sluice-schemathesis-'))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  return new Promise((resolve) => {
    const options = {
      // No more than it needs: requests looks through all of it for proxies, twice a request.
      env,
      cwd,
      maxBuffer: 100 * 1_048_576,
      timeout: 400_000,
    }
    const child = execFile(file, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: `${stdout}${stderr}` })
    })
  })
}

it('keeps openapi.yaml for whatever Schemathesis makes of it', { timeout: 600_000 }, async () => {
  // A broker of its own: the run deletes every topic it comes upon.
  const kafka = await startTemporaryBroker()
  onTestFinished(() => kafka.stop())
  const gateway = await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap })
  const st = join(await pythonEnv(['schemathesis==4.32.5']), 'st')
  const seed = process.env.TEST_SCHEMATHESIS_SEED ?? '1'
  const { code, output } = await run(
    st,
    [
      ...['--config-file', join(folder, 'schemathesis.toml'), '--no-color'],
      ...['run', join(root, 'openapi.yaml'), '--url', gateway.url],
      ...['--checks', 'all', '--phases', 'examples,coverage,fuzzing,stateful'],
      ...['--max-examples', process.env.TEST_SCHEMATHESIS_EXAMPLES ?? '3', '--seed', seed],
      ...['--continue-on-failure', '--generation-database', 'none', '--request-timeout', '15'],
    ],
    {
      ...Object.fromEntries(
        Object.entries(process.env).filter(([name]) => /^(PATH|HOME|LANG|TEST_SCHEMATHESIS_.*)$/.test(name)),
      ),
      SCHEMATHESIS_HOOKS: join(folder, 'hooks.py'),
      PYTHONDONTWRITEBYTECODE: '1',
      // What it finds out about Unicode, which takes seconds, is the same at the next run.
      HYPOTHESIS_STORAGE_DIRECTORY: join(root, '.sluice/hypothesis'),
    },
  )
  // Long runs of one character are values at their maximum length.
  const readable = output.replaceAll(/(.)\1{99,}/g, '$1…$1').slice(0, 20_000)
  expect(code, readable).toBe(0)
  expect(readable).toMatch(/Test cases:\n\s+\d+ generated, \d+ passed/)
})
