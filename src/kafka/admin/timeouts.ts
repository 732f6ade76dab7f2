/** Milliseconds within which an operation of administration answers. */
export const TIMEOUT_MS = 10_000
/** Of these, the most that brokers which must answer themselves are waited for, or a change to show. */
export const SETTLE_MS = 5_000
export const POLL_MS = 20
