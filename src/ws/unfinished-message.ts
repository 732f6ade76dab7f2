import type { WebSocket } from 'ws'

/** Of ws, where it waits for the first bytes of a frame. */
const GET_INFO = 0

/** What ws keeps of what has come; it tells it nowhere else. The version of ws is pinned, and a test holds this. */
interface Receiver {
  readonly _state: number
  /** The opcode of a message of which only some fragments are there. */
  readonly _fragmented: number
  readonly _bufferedBytes: number
}

/** Whether a part of a message, or of a frame, has come and the rest has not. */
export function hasUnfinished(ws: WebSocket): boolean {
  const { _receiver: receiver } = ws as unknown as { readonly _receiver?: Receiver }
  if (receiver === undefined) return false
  return receiver._fragmented !== 0 || receiver._state !== GET_INFO || receiver._bufferedBytes > 0
}
