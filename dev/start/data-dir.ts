import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Lock, takeLock } from '../kafka/lock.ts'
import { SetupError } from '../setup-error.ts'

/**
 * Makes the data directory where it is missing and takes it for this process.
 * @throws SetupError where another `npm start` has it or it can't be written
 */
export function openDataDir(dataDir: string): Lock {
  const dir = resolve(dataDir)
  let lock: ReturnType<typeof takeLock>
  try {
    mkdirSync(dir, { recursive: true })
    lock = takeLock(join(dir, 'lock'))
  } catch (error) {
    throw new SetupError(
      `the data directory ${dir} can't be written (${(error as NodeJS.ErrnoException).code ?? String(error)}): ` +
        'make it writable, or name another with SLUICE_DATA_DIR.',
    )
  }
  if ('heldBy' in lock) {
    throw new SetupError(
      `Sluice runs already on the data directory ${dir} (process ${lock.heldBy}): use that one, stop it, ` +
        'or name another directory and ports with SLUICE_DATA_DIR, SLUICE_PORT and SLUICE_KAFKA_PORT.',
    )
  }
  return lock
}
