import type { Server, Socket } from 'node:net'
import { clientNetwork } from '../limits/client-network.ts'
import { CONNECTIONS_PER_ADDRESS } from '../limits/limit-counts.ts'
import type { RequestObserver } from './answer.ts'

/** Closes each connection of an address that has `limit` already, before anything is read of it. */
export function boundConnections(server: Server, limit: number, observer: RequestObserver): void {
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const from = clientNetwork(socket.remoteAddress)
    const count = counts.get(from) ?? 0
    if (count >= limit) {
      observer.refused(CONNECTIONS_PER_ADDRESS)
      socket.destroy()
      return
    }
    counts.set(from, count + 1)
    socket.once('close', () => {
      const left = counts.get(from)! - 1
      if (left > 0) counts.set(from, left)
      else counts.delete(from)
    })
  })
}
