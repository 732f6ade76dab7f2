import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { constrainedMemory } from 'node:process'
import type { Config } from '../../config/config.ts'
import { ok, problem, skipped, type Verdict, warning } from '../finding.ts'

/** Files, connections to brokers, and what else a gateway has open beside its clients. */
const OTHER_FILES = 256
/** What a gateway takes with nothing in its buffers, bytes. */
const BASE_BYTES = 134_217_728
const MIB = 1_048_576

/** Node raises the limit as far as it may when it starts, as it does for the gateway. */
export function openFilesVerdict({ limits }: Config): Verdict {
  const limit = openFilesLimit()
  if (limit === undefined) return skipped('this system does not tell how many files a process may have open')
  const needed = limits.maxConnections + OTHER_FILES
  const seen = `${limit === Infinity ? 'no limit' : `${limit} may be open`}, for SLUICE_MAX_CONNECTIONS=${limits.maxConnections} and ${OTHER_FILES} of the gateway's own`
  if (limit >= needed) return ok(seen)
  return warning(
    seen,
    `Allow ${needed}: LimitNOFILE in systemd, \`ulimit -n\` in a shell; or lower SLUICE_MAX_CONNECTIONS.`,
  )
}

function openFilesLimit(): number | undefined {
  try {
    const [, limit] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return limit === undefined ? undefined : limit === 'unlimited' ? Infinity : Number(limit)
  } catch {
    return undefined
  }
}

export function memoryVerdict({ workers, limits }: Config, memory = memoryLimit()): Verdict {
  const buffers = workers * (BASE_BYTES + limits.produceBufferBytes)
  const most = buffers + workers * limits.maxStreams * limits.wsBufferBytes
  const seen = `${mib(memory.bytes)} of the ${memory.of}; up to ${mib(buffers)} with writes waiting, ${mib(most)} if every stream that may be open takes nothing`
  const raise = memory.of === 'container' ? 'Give the container more' : 'Use a larger machine'
  if (memory.bytes < buffers)
    return problem(seen, `${raise}, or lower SLUICE_PRODUCE_BUFFER_BYTES or SLUICE_WORKERS.`)
  if (memory.bytes < most)
    return warning(seen, `${raise}, or lower SLUICE_MAX_STREAMS or SLUICE_WS_BUFFER_BYTES.`)
  return ok(seen)
}

/** The cgroup's, where it has less than the machine. */
function memoryLimit(): { readonly bytes: number; readonly of: 'container' | 'machine' } {
  const [constrained, total] = [constrainedMemory(), totalmem()]
  return constrained > 0 && constrained < total
    ? { bytes: constrained, of: 'container' }
    : { bytes: total, of: 'machine' }
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB).toLocaleString('en-US')} MiB`
}
