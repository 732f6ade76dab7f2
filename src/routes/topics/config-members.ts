import { z } from 'zod'
import type { TopicRefused } from '../../kafka/admin/topics/topic-refused.ts'
import { Problem } from '../../problems/problem.ts'
import { toPointer } from '../route.ts'

/** Most partitions of one topic: as many records as the controller writes at once. */
export const MAX_PARTITIONS = 10_000
const partitionCount = `expected an integer from 1 to ${MAX_PARTITIONS}`

export const PartitionCount = z.int(partitionCount).min(1, partitionCount).max(MAX_PARTITIONS, partitionCount)

export const Cleanup = z
  .enum(['delete', 'compact', 'compact,delete'])
  .describe(
    'What becomes of old records: deleted after the retention, or the last of each key kept, or both. Sets `cleanup.policy`.',
  )

/** Which member of a body sets a config: some have friendlier names than Kafka's. Each is set once. */
export class ConfigMembers {
  readonly #paths = new Map<string, readonly string[]>()

  /** @throws Problem invalid_request where another member sets it */
  add(path: readonly string[], config: string): void {
    const other = this.#paths.get(config)
    if (other !== undefined) throw invalid(path, `give this or ${toPointer(other)}, not both`)
    this.#paths.set(config, path)
  }

  pathOf(config: string): readonly string[] | undefined {
    return this.#paths.get(config)
  }
}

export function invalid(path: readonly string[], reason: string): Problem {
  const pointer = toPointer(path)
  return new Problem('invalid_request', { detail: `${pointer}: ${reason}.`, errors: [{ pointer, reason }] })
}

/** What Kafka refused, with a pointer to the member that asked for it. */
export function refusedProblem(refused: TopicRefused, members: ConfigMembers): Problem {
  const { code, path, message: reason, cause } = refused
  const config = path[0] === 'configs' && path.length > 1 ? String(path[1]) : undefined
  const pointer = toPointer((config === undefined ? undefined : members.pathOf(config)) ?? path)
  return new Problem(code, { detail: `${pointer}: ${reason}.`, errors: [{ pointer, reason }], cause })
}
