import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import type { TlsFiles } from '../../config/tls-files.ts'
import type { Endpoint } from '../broker-connection.ts'
import type { Connector } from '../connector.ts'
import type { Deadline } from '../deadline.ts'

/** The steps from a name to a broker that takes the gateway, in their order. */
export type Step = 'name' | 'tcp' | 'tls' | 'login'

/** What a broker shows at an address. */
export interface ShownCertificate {
  /** When the first of its chain ends. */
  readonly validTo: Date
  /** The names it is for, as in its `subjectAltName`. */
  readonly names: string
  /** Why the gateway does not trust it, in OpenSSL's or Node's word (`CERT_HAS_EXPIRED`); undefined where it does. */
  readonly refused: string | undefined
}

/** How far the gateway comes at one address. */
export interface Reach {
  /** What its name stands for; the address itself where it is no name. */
  readonly ips: readonly string[]
  readonly certificate?: ShownCertificate
  /** The first step that failed; undefined where the broker took the gateway. */
  readonly failed?: { readonly step: Step; readonly error: unknown }
}

/** Time for one step before the login, ms; the login has what is left. */
const STEP_MS = 3_000
/** Certificates of a chain that are looked at: one that is its own issuer ends it, and so does this. */
const MOST_CERTIFICATES = 10

/**
 * Goes to a broker as the gateway does, step by step, and says where it ends: the connection that logs in is the gateway's
 * own, and the TLS handshake before it is made only to see what the broker shows.
 * @param tls undefined where the gateway is to connect without TLS
 */
export async function reachBroker(
  { host, port }: Endpoint,
  { connector, tls, deadline }: { connector: Connector; tls: TlsFiles | undefined; deadline: Deadline },
): Promise<Reach> {
  let ips: readonly string[] = [host]
  let step: Step = 'name'
  let certificate: ShownCertificate | undefined
  let socket: Socket | undefined
  try {
    if (isIP(host) === 0) {
      const found = await deadline.slice(STEP_MS).within(lookup(host, { all: true }))
      ips = found.map(({ address }) => address)
    }
    step = 'tcp'
    socket = connect(port, host)
    await deadline.slice(STEP_MS).within(once(socket, 'connect'))
    if (tls !== undefined) {
      step = 'tls'
      certificate = await deadline.slice(STEP_MS).within(certificateAt(socket, host, tls))
      if (certificate.refused !== undefined) {
        const error = Object.assign(new Error('the certificate is refused'), { code: certificate.refused })
        return { ips, certificate, failed: { step, error } }
      }
    }
    step = 'login'
    const connection = await deadline.within(connector.open({ host, port }, Math.ceil(deadline.left) || 1))
    connection.destroy()
    return { ips, ...(certificate && { certificate }) }
  } catch (error) {
    return { ips, ...(certificate && { certificate }), failed: { step, error } }
  } finally {
    socket?.on('error', () => {})
    socket?.destroy()
  }
}

/** Makes a handshake that takes any certificate, and says of the one it was shown whether the gateway would. Nothing is sent. */
async function certificateAt(socket: Socket, host: string, tls: TlsFiles): Promise<ShownCertificate> {
  const secureContext = await tls.context()
  // As the gateway's client has it: the server is named for a host name alone, its certificate checked in any case.
  const name = isIP(host) === 0 ? { servername: host } : { host }
  const encrypted = connectTls({ socket, secureContext, rejectUnauthorized: false, ...name })
  encrypted.on('error', () => {})
  await once(encrypted, 'secureConnect')
  const shown = encrypted.getPeerCertificate(true)
  return { validTo: firstEnd(shown), names: shown.subjectaltname ?? '', refused: refusalOf(encrypted) }
}

/** Node's types have an Error there; it is the error's code. */
function refusalOf({ authorized, authorizationError }: TLSSocket): string | undefined {
  return authorized ? undefined : String(authorizationError)
}

function firstEnd(certificate: DetailedPeerCertificate): Date {
  let [one, first] = [certificate, Date.parse(certificate.valid_to)]
  for (let n = 0; n < MOST_CERTIFICATES && one.issuerCertificate && one.issuerCertificate !== one; n++) {
    one = one.issuerCertificate
    first = Math.min(first, Date.parse(one.valid_to))
  }
  return new Date(first)
}
