import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * A text that names one process for ever: its id and when it started, since ids are used again.
 * Undefined where there is no such process (a zombie is none).
 */
export function identityOf(pid: number): string | undefined {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid)
  return started === undefined ? undefined : `${pid} ${started}`
}

/** The id of the process that an identity names, where it still runs. */
export function runningPid(identity: string): number | undefined {
  const pid = Number(identity.split(' ', 1)[0])
  return Number.isInteger(pid) && pid > 0 && identityOf(pid) === identity ? pid : undefined
}

function startedOnLinux(pid: number): string | undefined {
  try {
    // proc_pid_stat(5): the second field is a name in brackets and may hold anything; state is the third, start the 22nd.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function startedByPs(pid: number): string | undefined {
  try {
    const out = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
    return out === '' || out.startsWith('Z') ? undefined : out.replace(/^\S+\s+/, '')
  } catch {
    return undefined
  }
}
