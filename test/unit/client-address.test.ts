import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientAddressOf, isAddressRange, networkOf, trustProxies } from '../../src/http/client-address.ts'

/** What a server says that a request comes from, whose peer is 127.0.0.1. */
function asking(proxies: readonly string[]) {
  const server = createServer((incoming: IncomingMessage, outgoing) =>
    outgoing.end(clientAddressOf(incoming)),
  )
  trustProxies(server, proxies)
  beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'))
  afterAll(() => void server.close())
  return async (...forwarded: string[]): Promise<string> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const lines = forwarded.map((value) => `X-Forwarded-For: ${value}\r\n`).join('')
    socket.end(`GET / HTTP/1.0\r\n${lines}\r\n`)
    const chunks = (await socket.toArray()) as Buffer[]
    return Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')[1]!
  }
}

describe('behind no proxy that is trusted', () => {
  const ask = asking(['192.0.2.0/24', '::1'])

  it('a request comes from its peer, whatever it says', async () => {
    expect(await ask('198.51.100.7')).toBe('127.0.0.1')
    expect(await ask('192.0.2.1, 127.0.0.1')).toBe('127.0.0.1')
  })
})

describe('behind trusted proxies', () => {
  const ask = asking(['127.0.0.0/8', '2001:db8:ffff::/48'])

  it.each([
    [['198.51.100.7'], '198.51.100.7'],
    [['198.51.100.7, 127.0.0.9'], '198.51.100.7'],
    [['198.51.100.7', '127.0.0.9'], '198.51.100.7'],
    [['198.51.100.7,2001:DB8:FFFF::1 , 127.0.0.9'], '198.51.100.7'],
    [['198.51.100.7:4711'], '198.51.100.7'],
    [['[2001:DB8::0:1]:4711'], '2001:db8::1'],
    [['::ffff:198.51.100.7'], '198.51.100.7'],
  ])('%j is taken for whom they speak for', async (forwarded, address) => {
    expect(await ask(...forwarded)).toBe(address)
  })

  it.each([
    [['203.0.113.1, 198.51.100.7'], '198.51.100.7'],
    [['127.0.0.5, 198.51.100.7'], '198.51.100.7'],
    [['203.0.113.1', '198.51.100.7, 127.0.0.9'], '198.51.100.7'],
  ])('%j is not believed what the client has put before', async (forwarded, address) => {
    expect(await ask(...forwarded)).toBe(address)
  })

  it.each([
    [[], '127.0.0.1'],
    [[''], '127.0.0.1'],
    [['unknown'], '127.0.0.1'],
    [['198.51.100.7, <script>, 127.0.0.9'], '127.0.0.9'],
    [['198.51.100.7, '], '127.0.0.1'],
    [['127.0.0.8, 127.0.0.9'], '127.0.0.8'],
    [[`${'x'.repeat(2_000)},`.repeat(5)], '127.0.0.1'],
  ])('%j names nobody but the proxy', async (forwarded, address) => {
    expect(await ask(...forwarded)).toBe(address)
  })
})

it.each([
  ['198.51.100.7', '198.51.100.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('%s is counted as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})

it.each(['10.0.0.1', '10.0.0.0/8', '0.0.0.0/0', '::1', 'fd00::/8'])('%s is an address or a range', (text) =>
  expect(isAddressRange(text)).toBe(true),
)

it.each(['', 'proxy', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', 'fe80::1%eth0'])(
  '%j is none',
  (text) => expect(isAddressRange(text)).toBe(false),
)
