import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Scenario } from './scenario.ts'

const root = join(import.meta.dirname, '../..')

/** A scenario that tests play, which look closer than the checker does: they need brokers of their own. */
function byTests(name: string, title: string, file: string, names: string): Scenario {
  return {
    ...{ name, title },
    load: { single: [1, 200], reader: [1, 0] },
    async play(scene) {
      await scene.fault(`${file} -t '${names}'`, async () => {
        try {
          const vitest = join(root, 'node_modules/vitest/vitest.mjs')
          const env = { ...process.env, TEST_KAFKA_BROKERS: scene.bootstrap }
          await promisify(execFile)(process.execPath, [vitest, 'run', file, '-t', names], { cwd: root, env })
        } catch (error) {
          const { stdout = '' } = error as { stdout?: string }
          scene.broken(
            `${name}: ${stdout.split('\n').find((line) => line.includes('FAIL')) ?? String(error)}`,
          )
        }
      })
    },
  }
}

export const testScenarios: readonly Scenario[] = [
  byTests(
    'wrong-certificates',
    'a broker whose certificate has expired, is for another host or of an unknown authority: 502, never without TLS',
    'test/integration/kafka-security.test.ts',
    'certificate|TLS or nothing|authorities',
  ),
  byTests(
    'wrong-passwords',
    'wrong credentials for Kafka, and such as change while the gateway runs: 502 and not ready, at most one try a second',
    'test/integration/kafka-security.test.ts',
    'wrong credentials|a password in a file|once a second',
  ),
  byTests(
    'rotated-keys',
    'the provider of tokens changes its keys, and is away: tokens go on to count',
    'test/integration/auth/jwt.test.ts',
    'provider',
  ),
  byTests(
    'audit-disk-full',
    'the disk of the audit log is full: what it does not take is counted, and takes no request with it',
    'test/integration/observe/audit.test.ts',
    'disk does not take',
  ),
]
