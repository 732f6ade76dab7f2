import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { TestAuthority } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'

const KEEPALIVE_TIMER = '02'
const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')

/** The timer that Linux has running for the gateway's end of a connection (proc(5), /proc/net/tcp, column `tr`). */
function timerOf(gatewayPort: number, clientPort: number): string | undefined {
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((each) => each.trim().split(/\s+/))
    .find(
      ([, local, peer]) => local?.endsWith(`:${hex(gatewayPort)}`) && peer?.endsWith(`:${hex(clientPort)}`),
    )
  return line?.[5]?.slice(0, 2)
}

it.skipIf(!existsSync('/proc/net/tcp')).each(['HTTP', 'HTTPS'])(
  'a client that is gone without a word is noticed by TCP, also where nothing is sent to it: %s',
  async (scheme) => {
    const authority = new TestAuthority()
    const { cert, key } = authority.issue('gateway')
    const isTls = scheme === 'HTTPS'
    const { url } = await startTestGateway(
      isTls ? { SLUICE_TLS_CERT_FILE: cert, SLUICE_TLS_KEY_FILE: key } : {},
    )
    const { port } = new URL(url)
    const to = { port: Number(port), host: '127.0.0.1' }
    const client: Socket = isTls
      ? connectTls({ ...to, ca: readFileSync(authority.certificate) })
      : connect(to)
    onTestFinished(() => void client.destroy())
    await once(client, isTls ? 'secureConnect' : 'connect')
    client.write('GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
    await once(client, 'data')
    // Until the client has said that it has the answer, that one's timer runs.
    await expect.poll(() => timerOf(to.port, client.localPort!)).toBe(KEEPALIVE_TIMER)
  },
)
