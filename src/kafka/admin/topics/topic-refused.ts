import type { ProblemCode } from '../../../problems/problems.ts'

/** Kafka refuses one part of a topic to be made or changed. The message is ours, and may be shown to the caller. */
export class TopicRefused extends Error {
  readonly code: ProblemCode
  /** The part, as the members that lead to it: `['configs', 'retention.ms']`. */
  readonly path: readonly (string | number)[]

  constructor(code: ProblemCode, path: readonly (string | number)[], reason: string, cause?: unknown) {
    super(reason, { cause })
    this.name = 'TopicRefused'
    this.code = code
    this.path = path
  }
}
