import type { Socket } from 'node:net'
import { unreadRequest } from './pending-answer.ts'

/** Longest that a connection is kept for what its client still sends, ms. */
const LINGER_MS = 5_000
/** And the longest of it in which nothing comes, ms. */
const LINGER_IDLE_MS = 1_000

const lingering = new WeakSet<Socket>()

/** Whether the connection is only kept for the client to read its last answer: what it sends means nothing any more. */
export function isLingering(socket: Socket): boolean {
  return lingering.has(socket)
}

/**
 * Ends our side of a connection once what was written has gone out, and keeps the other open for a while, throwing away
 * what comes. Closing it at once would reset it where bytes are still on their way, and a reset makes the client's system
 * throw away the answer it has not read yet (RFC 9112, section 9.6).
 */
export function closeLingering(socket: Socket): void {
  if (lingering.has(socket) || socket.destroyed) return
  lingering.add(socket)
  socket.end()
  const cut = () => socket.destroy()
  const timer = setTimeout(cut, LINGER_MS)
  socket.setTimeout(LINGER_IDLE_MS, cut)
  socket.once('end', cut)
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
}

/** Makes http close a connection that way where it would cut off a request that has not arrived in full. */
export function lingerWhereUnread(socket: Socket): void {
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    const unread = unreadRequest(socket)
    if (unread === undefined) return destroySoon()
    unread.resume()
    closeLingering(socket)
  }
}
