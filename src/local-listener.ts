import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** More of an answer is not read, bytes. */
const MOST_BYTES = 65_536

/** Where programs of this machine reach what listens on a host: on all addresses, by the machine's own. */
export function localOrigin(host: string, port: number, isTls: boolean): string {
  return `${isTls ? 'https' : 'http'}://${addressOf(host)}:${port}`
}

function addressOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

/**
 * Asks a listener one thing, on a connection of its own.
 * @param options.timeoutMs for all of it
 * @param options.trustsAny whether any certificate will do: of a listener of this machine, which is sent no secret
 * @throws Error with the system's or OpenSSL's code, or an AbortError, where no answer comes
 */
export async function askListener(
  url: string | URL,
  {
    timeoutMs,
    trustsAny,
    headers = {},
  }: { timeoutMs: number; trustsAny: boolean; headers?: Readonly<Record<string, string>> },
): Promise<{ readonly status: number; readonly text: string }> {
  const request = new URL(url).protocol === 'https:' ? httpsRequest : httpRequest
  const signal = AbortSignal.timeout(timeoutMs)
  const outgoing = request(url, { signal, agent: false, rejectUnauthorized: !trustsAny, headers })
  try {
    outgoing.end()
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
    const pieces: Buffer[] = []
    let size = 0
    for await (const piece of incoming) {
      pieces.push(piece as Buffer)
      if ((size += (piece as Buffer).length) > MOST_BYTES) break
    }
    return { status: incoming.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }
  } finally {
    outgoing.on('error', () => {})
    outgoing.destroy()
  }
}
