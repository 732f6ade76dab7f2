import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { takeLock } from '../../dev/kafka/lock.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const environments = new Map<string, Promise<string>>()

/** Whether this machine can make Python environments; tests that need one are skipped where it can't. */
export const hasPython = spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0

/**
 * The `bin` folder of a Python environment with these packages (`name==version`), made at the first use and kept under
 * .sluice/ for the next run. Needs python3 with venv and pip.
 */
export function pythonEnv(packages: readonly string[]): Promise<string> {
  const name = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12)
  let made = environments.get(name)
  if (made === undefined)
    environments.set(name, (made = make(join(root, '.sluice', `python-${name}`), packages)))
  return made
}

async function make(dir: string, packages: readonly string[]): Promise<string> {
  const done = join(dir, 'done')
  mkdirSync(dirname(dir), { recursive: true })
  while (!existsSync(done)) {
    // Several test files may want the same at once.
    const lock = takeLock(`${dir}.lock`)
    if ('heldBy' in lock) {
      await sleep(200)
      continue
    }
    try {
      if (existsSync(done)) break
      rmSync(dir, { recursive: true, force: true })
      await run('python3', ['-m', 'venv', dir])
      // Its own pip: scripts in an environment carry its path, so it cannot be made elsewhere and moved.
      await run(join(dir, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
      writeFileSync(done, '')
    } finally {
      lock.release()
    }
  }
  return join(dir, 'bin')
}
