import type { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Principal } from './principal.ts'

/** Connections whose certificate was good when they were made, and is not any more. */
const withdrawn = new WeakSet<TLSSocket>()
/** A longer chain of authorities is not followed. */
const MAX_CHAIN = 10

/** The name of a client certificate that the listener's authorities have signed: its common name, or its first DNS name. */
export function certificateOf({ socket }: IncomingMessage): Principal | undefined {
  const tls = socket as TLSSocket
  if (tls.encrypted !== true || !tls.authorized || withdrawn.has(tls)) return undefined
  const { subject, subjectaltname, valid_to: validTo } = tls.getPeerCertificate()
  const cn = subject?.CN
  const name = (Array.isArray(cn) ? cn[0] : cn) ?? /DNS:([^,]+)/.exec(subjectaltname ?? '')?.[1]
  if (name === undefined || !/^[\x21-\x7e]{1,256}$/.test(name)) return undefined
  const expiresAt = Date.parse(validTo)
  return {
    name: `cert:${name}`,
    roles: [],
    expiresAt,
    isCurrent: () => Date.now() < expiresAt && !withdrawn.has(tls),
  }
}

/**
 * Looks again at the certificate of an open connection, by authorities that have changed since it was made: TLS looks
 * once. @returns whether it still counts; a connection that shows none has nothing to lose
 */
export function lookAgain(socket: TLSSocket, authorities: readonly X509Certificate[]): boolean {
  if (!socket.authorized || socket.destroyed) return true
  const certificate = socket.getPeerX509Certificate()
  const isGood = certificate === undefined || isSignedBy(certificate, authorities)
  if (isGood) withdrawn.delete(socket)
  else withdrawn.add(socket)
  return isGood
}

/** Whether a chain leads from a certificate, by those shown with it or by the authorities, to a root among them. */
function isSignedBy(
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
  left = MAX_CHAIN,
): boolean {
  if (left === 0) return false
  const bySome = authorities.some(
    (authority) =>
      issued(authority, certificate) &&
      (issued(authority, authority) || isSignedBy(authority, authorities, left - 1)),
  )
  const { issuerCertificate: above } = certificate
  const isRoot = above === undefined || above.fingerprint256 === certificate.fingerprint256
  return bySome || (!isRoot && isSignedBy(above, authorities, left - 1))
}

function issued(authority: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey)
}
