import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** Where .ci/deploy-tools.sh puts them; it and the system's own folders, which a user's PATH may lack, come last. */
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sluice-deploy-tools-2', 'bin')
const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', cache]

/** Runs one of the tools that check what is in deploy/, and says how it ended. */
export type Tool = (
  args: readonly string[],
  options?: { readonly input?: string; readonly env?: Record<string, string> },
) => { readonly status: number | null; readonly stdout: string; readonly stderr: string }

/** The path of a program on this machine; undefined, and said so, where it isn't there: what needs it is skipped. */
export function findDeployTool(name: string): string | undefined {
  const path = folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
  if (path === undefined) console.warn(`skipped: ${name} is not on this machine; .ci/run installs it`)
  return path
}

/** The same, to be run. */
export function deployTool(name: string): Tool | undefined {
  const path = findDeployTool(name)
  if (path === undefined) return undefined
  return (args, { input, env } = {}) =>
    spawnSync(path, args, {
      encoding: 'utf8',
      input,
      // Docker's, and nobody else's, settings stay out of what is checked.
      env: { PATH: process.env.PATH, HOME: homedir(), ...env },
      maxBuffer: 16_777_216,
    })
}
