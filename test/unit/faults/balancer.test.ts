import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../../dev/kafka/free-port.ts'
import { Balancer } from '../../../faults/stage/balancer.ts'

/** A target that says its name to who connects, and echoes. */
async function target(name: string): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.write(name)
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, sockets }
}

async function balance(...ports: number[]) {
  const balancer = await Balancer.start(ports)
  onTestFinished(() => balancer.close())
  const open = () => connect(Number(new URL(balancer.url).port), '127.0.0.1').on('error', () => {})
  const greeted = async () => {
    const socket = open()
    const [name] = await once(socket, 'data')
    socket.destroy()
    return String(name)
  }
  return { open, greeted }
}

it('the balancer gives each connection to the next target, past one that refuses', async () => {
  const [a, b] = [await target('a'), await target('b')]
  const { greeted } = await balance(a.port, await freePort(), b.port)
  expect(await greeted()).toBe('a')
  expect(await greeted()).toBe('b')
  expect(await greeted()).toBe('a')
  expect(await greeted()).toBe('b')
})

it('the balancer turns nobody away while one target is there, however many come at once', async () => {
  const a = await target('a')
  const { greeted } = await balance(await freePort(), a.port)
  expect(await Promise.all(Array.from({ length: 50 }, greeted))).toEqual(Array(50).fill('a'))
})

it('the balancer keeps no connection to a target for a client that has left, however early', async () => {
  const a = await target('a')
  const { open, greeted } = await balance(a.port)
  for (let n = 0; n < 20; n++) open().destroy()
  for (let n = 0; n < 20; n++) {
    const socket = open()
    await once(socket, 'connect')
    socket.destroy()
  }
  await greeted()
  await expect.poll(() => a.sockets.size).toBe(0)
})
