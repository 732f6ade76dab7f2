import { readFileSync } from 'node:fs'

/** Linux counts a process's time in hundredths of a second (USER_HZ), whatever the kernel's own clock. */
const MS_PER_TICK = 10
const SAMPLE_MS = 50

/** What a process has of the machine. */
export interface Usage {
  readonly rssMb: number
  /** Since it started. */
  readonly cpuMs: number
}

/** Undefined where the process is gone or this is not Linux. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const rss = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name and may hold anything, parentheses too: the numbers begin behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    return rss === undefined ? undefined : { rssMb: Number(rss) / 1_024, cpuMs: ticks * MS_PER_TICK }
  } catch {
    return undefined
  }
}

/** Watches a process until told to stop: the most memory it had, and the time it took of the processors. */
export function watchUsage(pid: number | undefined): { stop(): Usage | undefined } {
  const first = pid === undefined ? undefined : usageOf(pid)
  if (pid === undefined || first === undefined) return { stop: () => undefined }
  let peak = first.rssMb
  const sample = () => {
    const usage = usageOf(pid)
    peak = Math.max(peak, usage?.rssMb ?? 0)
    return usage
  }
  const timer = setInterval(sample, SAMPLE_MS).unref()
  return {
    stop() {
      clearInterval(timer)
      const last = sample()
      return last === undefined ? undefined : { rssMb: peak, cpuMs: last.cpuMs - first.cpuMs }
    },
  }
}
