import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { identityOf, runningPid } from './process-identity.ts'

/** A lock file of this process. */
export interface Lock {
  release(): void
}

/**
 * Takes a lock file that lasts as long as this process: one left by a process that is gone is taken over.
 * @returns the lock, or the id of the process that holds it
 * @throws the file system's error where the folder can't be written
 */
export function takeLock(file: string): Lock | { readonly heldBy: number } {
  const mine = identityOf(process.pid) ?? String(process.pid)
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, mine)
  try {
    for (;;) {
      const holder = linkIfAbsent(draft, file)
      if (holder === undefined) return { release: () => removeIfMine(file, mine) }
      const pid = runningPid(holder)
      if (pid !== undefined) return { heldBy: pid }
      // Renaming picks one of several that found the stale file at once; should it be a new owner's after all, it goes back.
      const stale = `${draft}.stale`
      try {
        renameSync(file, stale)
      } catch {
        continue
      }
      if (readFileSync(stale, 'utf8') !== holder) linkIfAbsent(stale, file)
      rmSync(stale, { force: true })
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Creates `file` with the draft's content at one stroke; where it exists, what it holds. */
function linkIfAbsent(draft: string, file: string): string | undefined {
  for (;;) {
    try {
      linkSync(draft, file)
      return undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    try {
      return readFileSync(file, 'utf8')
    } catch {
      // Released between the two calls.
    }
  }
}

function removeIfMine(file: string, mine: string): void {
  try {
    if (readFileSync(file, 'utf8') === mine) rmSync(file)
  } catch {
    // Gone already, with its folder.
  }
}
