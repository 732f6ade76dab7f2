/** Groups of an IPv6 address that name its network: one client has all of a /64, and could come from another each time. */
const NETWORK_GROUPS = 4
const GROUPS = 8
const MAPPED = '::ffff:'

/** What a client that has not shown who it is is counted by: its IPv4 address, or the /64 of its IPv6 address. */
export function clientNetwork(address = ''): string {
  if (!address.includes(':')) return address
  if (address.startsWith(MAPPED) && address.includes('.')) return address.slice(MAPPED.length)
  const [bare = ''] = address.split('%')
  const [before = '', after] = bare.split('::')
  const groups = before === '' ? [] : before.split(':')
  if (after !== undefined) {
    const last = after === '' ? [] : after.split(':')
    while (groups.length + last.length < GROUPS) groups.push('0')
    groups.push(...last)
  }
  return `${groups.slice(0, NETWORK_GROUPS).join(':')}::/${NETWORK_GROUPS * 16}`
}
