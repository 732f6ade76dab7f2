import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that Linux and macOS give to outgoing connections, so that none takes one between here and its use. */
const FIRST = 20_000
const LAST = 32_000
const given = new Set<number>()

/** A port of 127.0.0.1 that nobody listens on and that this process was not given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(FIRST, LAST)
    if (given.has(port) || (await listenError('127.0.0.1', port)) !== undefined) continue
    given.add(port)
    return port
  }
  throw new Error(`no free port found between ${FIRST} and ${LAST}`)
}

/** Why nobody could listen there now (EADDRINUSE, EACCES, ...); undefined where one could. */
export function listenError(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}
