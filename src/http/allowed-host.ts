/** Names of this machine, which resolve to nothing else (RFC 6761, section 6.3). */
const thisMachine = /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * What SLUICE_ALLOWED_HOSTS takes: a name, an address (IPv6 in brackets), a name with all below it (`.example.com`), or
 * `*`.
 */
export const allowedHostPattern = /^(\*|\.?[\w-]+(\.[\w-]+)*|\[[\dA-Fa-f:.]+\])$/

/**
 * Whether a request may be addressed to this host: this machine by any of its names, or one that is listed. Whoever owns
 * evil.example can have it resolve to 127.0.0.1, and a browser takes what answers there for evil.example itself (DNS
 * rebinding): its pages are of the gateway's own origin then, and only the Host header tells.
 */
export function isAllowedHost(host: string, allowed: readonly string[]): boolean {
  // A name may end in a dot: it is the same.
  const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
  return (
    thisMachine.test(name) ||
    allowed.some((own) => own === '*' || own === name || (own.startsWith('.') && `.${name}`.endsWith(own)))
  )
}
