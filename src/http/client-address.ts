import type { IncomingMessage, Server } from 'node:http'
import { BlockList, isIP, type Socket, SocketAddress } from 'node:net'
import { Server as TlsServer } from 'node:tls'

/** Groups of 16 bits of an IPv6 address that one client has to itself, 64 bits: what a provider gives at the least. */
const NETWORK_GROUPS = 4
const IPV6_GROUPS = 8

/** Whose word is taken for whom they speak for, by the connections that they have made. */
const proxied = new WeakMap<Socket, BlockList>()

/**
 * Has a server take the word of proxies for whom they speak for (`X-Forwarded-For`); what anybody else says of it means
 * nothing. `addresses` are as isAddressRange() has them.
 */
export function trustProxies(server: Server, addresses: readonly string[]): void {
  if (addresses.length === 0) return
  const proxies = blockListOf(addresses)
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    if (holds(proxies, canonical(socket.remoteAddress) ?? '')) proxied.set(socket, proxies)
  })
}

/** Closes each connection of an address that has `limit` already, before anything is read of it; never a trusted proxy's. */
export function boundConnections(
  server: Server,
  limit: number,
  trustedProxies: readonly string[],
  refused: () => void,
): void {
  if (limit === 0) return
  const proxies = blockListOf(trustedProxies)
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = canonical(socket.remoteAddress) ?? ''
    if (holds(proxies, address)) return
    const from = networkOf(address)
    const count = counts.get(from) ?? 0
    if (count >= limit) {
      refused()
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

function blockListOf(addresses: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of addresses) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** Whether a text is an address, or a range of them such as `10.0.0.0/8` (CIDR, RFC 4632). */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || more !== undefined) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
}

/**
 * The address that a request comes from, for logs and for what is counted by address. Behind trusted proxies it is the
 * one that the first of them was asked by: `X-Forwarded-For` is read from the right, where each proxy adds whom it was
 * asked by, up to the first address that is no trusted proxy's. What stands left of it is anybody's invention.
 * Undefined where the connection was gone before it was known.
 */
export function clientAddressOf({ socket, headers }: IncomingMessage): string | undefined {
  let address = canonical(socket.remoteAddress)
  const proxies = proxied.get(socket)
  if (proxies === undefined) return address
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
  while (address !== undefined && holds(proxies, address)) {
    const before = canonical(addressIn(forwarded.pop() ?? ''))
    // Nobody, or nobody by an address: it was the proxy's own doing, as far as is known.
    if (before === undefined) break
    address = before
  }
  return address
}

/** What to count by instead of an address: of IPv6 its network of 64 bits, of which a client has any address it likes. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [head = [], tail = []] = address
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''))
  const zeros = Array<string>(Math.max(IPV6_GROUPS - head.length - tail.length, 0)).fill('0')
  return `${[...head, ...zeros, ...tail].slice(0, NETWORK_GROUPS).join(':')}::/64`
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function addressIn(text: string): string {
  const [, bracketed, plain] = /^\s*(?:\[([^\]]*)\](?::\d+)?|(\d[\d.]*)(?::\d+)?)\s*$/.exec(text) ?? []
  return bracketed ?? plain ?? text.trim()
}

/** One text for each address: an IPv4 client of an IPv6 socket is itself. Undefined for what is none. */
function canonical(text = ''): string | undefined {
  const address = text.split('%', 1)[0]!
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : undefined
  const { address: own } = new SocketAddress({ address, family: 'ipv6' })
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(own)?.[1] ?? own
}

function holds(proxies: BlockList, address: string): boolean {
  return address !== '' && proxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
}
