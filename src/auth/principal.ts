import type { IncomingMessage } from 'node:http'
import type { Operation } from './policy.ts'

/** Who a request comes from. */
export interface Principal {
  /**
   * What rules and logs call it: `key:ID` of an API key, `user:SUBJECT` of a JWT, `cert:NAME` of a client certificate,
   * `anonymous` for one that has shown nothing.
   */
  readonly name: string
  /** Of its key or token, beside those that the policy gives it by name. */
  readonly roles: readonly string[]
  /** What it may be used for at most, whatever the policy allows; anything, where left out. */
  readonly scopes?: ReadonlySet<Operation>
  /** Epoch ms from which on it counts no more; undefined where it lasts. */
  readonly expiresAt: number | undefined
  /** Whether what it has shown still counts: its key was not taken away, nor has it expired. */
  isCurrent(): boolean
}

/** One that has shown nothing. */
export const anonymous: Principal = {
  name: 'anonymous',
  roles: [],
  expiresAt: undefined,
  isCurrent: () => true,
}

const principals = new WeakMap<IncomingMessage, Principal>()

/**
 * Who a request is from, for what is allowed and for logs, traces and the audit log; undefined where nobody has shown to
 * be anyone.
 */
export function principalOf(incoming: IncomingMessage): Principal | undefined {
  return principals.get(incoming)
}

/** For whatever authenticates requests and WebSocket handshakes, before they are served. */
export function setPrincipal(incoming: IncomingMessage, principal: Principal): void {
  principals.set(incoming, principal)
}
