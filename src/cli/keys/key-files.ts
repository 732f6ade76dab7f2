import type { FileError } from '../../auth/file-error.ts'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { formatKeyFile, type KeyFile, parseKeyFile, type StoredKey } from '../../auth/key-file.ts'
import { CommandError, exitCodes, UsageError } from '../errors.ts'
import { namedFile, unusable } from '../named-file.ts'

/** Where the keys are. @throws UsageError where nothing says */
export function keysFile(given: string | undefined): string {
  return namedFile(given, 'SLUICE_API_KEYS_FILE', 'keys')
}

/** @throws CommandError where it can't be read or used; one that is not there has no keys */
export function readKeys(path: string): KeyFile {
  try {
    return parseKeyFile(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { keys: [] }
    throw unusable(path, error)
  }
}

/**
 * Puts the keys into the file, whole or not at all: a gateway may read it at any moment.
 * @throws CommandError where it can't be written
 */
export function writeKeys(path: string, file: KeyFile): void {
  try {
    parseKeyFile(formatKeyFile(file))
  } catch (error) {
    throw new UsageError((error as FileError).problems.join('; '))
  }
  const partial = `${path}.${process.pid}`
  try {
    const { O_CREAT, O_EXCL, O_WRONLY } = constants
    // What a gateway of another user may read of the file it may read of the new one.
    const old = statSync(path, { throwIfNoEntry: false })
    const fd = openSync(partial, O_CREAT | O_EXCL | O_WRONLY, 0o600)
    if (old !== undefined) {
      if (old.uid !== process.getuid?.() || old.gid !== process.getgid?.()) fchownSync(fd, old.uid, old.gid)
      fchmodSync(fd, old.mode & 0o777)
    }
    writeSync(fd, formatKeyFile(file))
    fsyncSync(fd)
    closeSync(fd)
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    const { code } = error as NodeJS.ErrnoException
    throw new CommandError(exitCodes.failed, `${path} could not be written (${code})`)
  }
}

/** @throws CommandError where there is no such key */
export function keyOf({ keys }: KeyFile, id: string): StoredKey {
  const key = keys.find((one) => one.id === id)
  if (key === undefined) throw new CommandError(exitCodes.notFound, `there is no key ${id}`)
  return key
}
