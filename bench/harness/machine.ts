import { execFileSync } from 'node:child_process'
import { cpus, loadavg, platform, release, totalmem } from 'node:os'
import { kafkaVersion } from '../../dev/kafka/jars.ts'
import { checkout } from './gateway.ts'

/** What figures mean nothing without. */
export function describeRun() {
  const processors = cpus()
  return {
    at: new Date().toISOString(),
    commit: git('describe', '--always', '--dirty', '--exclude=*'),
    node: process.version,
    kafka: kafkaVersion,
    system: `${platform()} ${release()}`,
    processors: processors.length,
    model: processors[0]?.model ?? 'unknown',
    memoryMb: Math.round(totalmem() / 1_048_576),
    /** Before the run, over a minute: what others did with the machine. */
    load: Number(loadavg()[0]!.toFixed(2)),
  }
}

function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: checkout, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown'
  }
}
