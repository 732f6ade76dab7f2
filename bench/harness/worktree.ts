import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onOrphaned, removeFolder } from '../../dev/kafka/orphan-guard.ts'
import type { Cleanup } from './cleanup.ts'
import { checkout } from './gateway.ts'

/** A commit, checked out where it can be run. */
export interface Worktree {
  readonly root: string
  readonly commit: string
}

/**
 * Checks a commit out into a temporary folder, with this checkout's packages; removed at the end of the run.
 * @throws where there is no such commit
 */
export function openWorktree(ref: string, cleanup: Cleanup): Worktree {
  const commit = git('rev-parse', '--short', '--verify', `${ref}^{commit}`)
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const root = join(folder, 'checkout')
  const guard = onOrphaned(removeFolder, folder)
  cleanup.add(() => {
    guard.release()
    rmSync(folder, { recursive: true, force: true })
  })
  // Hooks are for people's checkouts.
  git('-c', 'core.hooksPath=/dev/null', 'worktree', 'add', '--quiet', '--detach', root, commit)
  cleanup.add(() => git('worktree', 'remove', '--force', root))
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'))
  return { root, commit }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: checkout, encoding: 'utf8', stdio: 'pipe' }).trim()
}
