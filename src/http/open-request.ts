import type { Socket } from 'node:net'

type OnFault = (error: NodeJS.ErrnoException) => void

/** By connection: who sees to the faults of the request on it that is being answered while it still comes. */
const open = new WeakMap<Socket, OnFault>()

/**
 * Has a request whose answer begins before its body has ended see to what goes wrong on its connection: no other answer
 * can be written into its own. The time limit on a whole request (`ERR_HTTP_REQUEST_TIMEOUT`) is one of these faults.
 * Returns what ends that.
 */
export function takeOverFaults(socket: Socket, onFault: OnFault): () => void {
  open.set(socket, onFault)
  return () => {
    if (open.get(socket) === onFault) open.delete(socket)
  }
}

/** Tells the open request of a connection what went wrong; false where there is none. */
export function faultOfOpenRequest(socket: Socket, error: NodeJS.ErrnoException): boolean {
  const onFault = open.get(socket)
  onFault?.(error)
  return onFault !== undefined
}
