import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Cluster } from '../../src/kafka/cluster.ts'

/** Something that takes connections as a broker does; what it does with them is the test's. */
async function fakeBroker(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    sockets.add(socket)
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return { sockets, cluster: new Cluster({ brokers: [`127.0.0.1:${port}`], clientId: 'test' }) }
}

describe('Cluster', () => {
  it('ends its attempts to connect when it is closed, without waiting for a broker that is silent', async () => {
    const { cluster, sockets } = await fakeBroker((socket) => void socket.resume())
    const asked = cluster.ping()
    asked.catch(() => {})
    while (sockets.size === 0) await new Promise((resolve) => setImmediate(resolve))
    const before = performance.now()
    await cluster.close()
    await expect(asked).rejects.toMatchObject({ code: 'kafka_unavailable' })
    expect(performance.now() - before).toBeLessThan(500)
    for (const socket of sockets) if (!socket.destroyed) await once(socket, 'close')
  })

  it('asks a Kafka that fails no more than ten times a second for one topic, however often it is asked', async () => {
    const { cluster, sockets } = await fakeBroker((socket) => void socket.destroy())
    onTestFinished(() => cluster.close())
    const until = performance.now() + 450
    while (performance.now() < until) await cluster.refreshTopic('t').catch(() => {})
    expect(sockets.size).toBeGreaterThan(1)
    expect(sockets.size).toBeLessThanOrEqual(6)
  })
})
