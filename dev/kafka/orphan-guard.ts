import { spawn } from 'node:child_process'

/** Something that happens when this process ends without having released it. */
export interface OrphanGuard {
  release(): void
}

/**
 * Runs a shell script once this process is gone, however it ended: kill -9 leaves no other chance to clean up.
 * A small shell waits on a pipe whose other end only this process has; the kernel closes it.
 */
export function onOrphaned(script: string, ...args: string[]): OrphanGuard {
  const child = spawn('sh', ['-c', `read -r _ && exit\n${script}`, 'sluice-guard', ...args], {
    // A session of its own: neither a terminal's Ctrl-C nor a kill of our process group reaches it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.on('error', () => {})
  child.stdin.on('error', () => {})
  child.unref()
  ;(child.stdin as unknown as { unref?(): void }).unref?.()
  return { release: () => void child.stdin.end('released\n') }
}

/** $1 is killed with the group it leads. */
export const killGroup = 'kill -s KILL -- "-$1"'

/** $1 is asked to stop, and killed with its group after 20 s. */
export const stopGroup = `kill -s TERM "$1"
i=0
while kill -0 "$1" && [ $i -lt 100 ]; do sleep 0.2; i=$((i + 1)); done
${killGroup}`

/** $1 is removed, again and again for a while: what writes there is being killed at the same time. */
export const removeFolder = 'for i in 1 2 3 4 5; do sleep 0.5; rm -rf "$1"; done'
