/** What one caller may take of the gateway, for each process; 0 where there is no limit. */
export interface CallerLimits {
  readonly requestsPerSecond: number
  /** Of request bodies, and of WebSocket messages. */
  readonly bytesPerSecond: number
  /** Of answers with records, and of streams of them. */
  readonly readBytesPerSecond: number
  /** Most streams at once. */
  readonly streams: number
}

export const NO_LIMITS: CallerLimits = {
  requestsPerSecond: 0,
  bytesPerSecond: 0,
  readBytesPerSecond: 0,
  streams: 0,
}

/** A rule of the policy: each of these principals, by itself, may take so much. */
export interface LimitRule extends Partial<CallerLimits> {
  /** As a rule's. */
  readonly to: readonly string[]
}

export function isLimited(limits: CallerLimits): boolean {
  return Object.values(limits).some((limit) => limit > 0)
}
