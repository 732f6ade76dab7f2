import { createHash } from 'node:crypto'
import { Problem } from '../problems/problem.ts'
import type { AppContext } from './route.ts'

/** Characters of the hash that are kept: 96 bits, so that no two states share one by chance. */
const LENGTH = 16

/**
 * The strong entity tag (RFC 9110, section 8.8.3) of what can be changed: pass what a change sets, in a fixed order, not
 * what moves by itself, such as offsets.
 */
export function etagOf(state: unknown): string {
  return `"${createHash('sha256').update(JSON.stringify(state)).digest('base64url').slice(0, LENGTH)}"`
}

/**
 * Holds a change to the state its sender has seen (RFC 9110, section 13.1.1). A request without If-Match changes whatever
 * is there. Kafka itself compares nothing: what another client changes between this check and the change is not noticed.
 * @throws Problem precondition_failed
 */
export function checkIfMatch(c: AppContext, etag: string): void {
  const header = c.req.header('if-match')
  if (header === undefined || header.trim() === '*') return
  const tags = header.split(',').map((tag) => tag.trim())
  if (!tags.includes(etag)) throw new Problem('precondition_failed', { headers: { etag } })
}
