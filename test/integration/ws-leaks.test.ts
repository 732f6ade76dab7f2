import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, onTestFinished, vi } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { membersOf } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { RawClient } from '../support/raw-ws.ts'

/** How many intervals run, of those set since the first call. */
function watchIntervals(): () => number {
  const running = new Set<unknown>()
  const { setInterval: set, clearInterval: clear } = globalThis
  vi.spyOn(globalThis, 'setInterval').mockImplementation(((...args: Parameters<typeof set>) => {
    const timer = set(...args)
    running.add(timer)
    return timer
  }) as typeof set)
  vi.spyOn(globalThis, 'clearInterval').mockImplementation((timer) => {
    running.delete(timer)
    clear(timer)
  })
  onTestFinished(() => void vi.restoreAllMocks())
  return () => running.size
}

/** The sockets of this process, and so of the gateway in it, and the timers that keep it alive. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name)).length
}

it('1,000 sockets that come and vanish at any moment leave no handle, timer or group member behind', async () => {
  const intervals = watchIntervals()
  const gateway = await startTestGateway({ SLUICE_MAX_STREAMS: '100' })
  const topic = await makeTopic({ partitions: 2 })
  const groups = [uniqueName('g'), uniqueName('g')]
  await produce(topic, numbered(20, { size: 1_000 }))
  const paths = [
    '/v1/ws',
    '/v1/nowhere',
    `/v1/ws?topics=${topic}&from=earliest`,
    `/v1/ws?topics=${topic}&from=never`,
    ...groups.map((group) => `/v1/ws?topics=${topic}&from=earliest&group=${group}`),
    // Kept for a moment, and gone then.
    ...groups.map((group) => `/v1/ws?topics=${topic}&from=earliest&group=${group}&grace=150`),
  ]
  let nth = 0
  const visit = async () => {
    const n = nth++
    const client = new RawClient(gateway.url)
    const gone = new Promise((resolve) => client.socket.once('close', resolve))
    const handshake = client.handshake({ path: paths[n % paths.length]! }).catch(() => {})
    // Some vanish in the handshake, some while they join, some when they have been reading.
    if (n % 5 > 0) await handshake
    for (let wait = 0; wait < (n % 7) * 10; wait++) await turn()
    if (n % 2 === 0) client.socket.resetAndDestroy()
    else client.socket.destroy()
    await gone
  }
  const wave = () => Promise.all(Array.from({ length: 50 }, visit))
  await wave()
  const gaveUp = (): Promise<number[]> => Promise.all(groups.map(membersOf))
  await expect.poll(gaveUp, { timeout: 10_000 }).toEqual([0, 0])
  const before = { handles: handles(), intervals: intervals() }
  for (let waves = 1; waves < 20; waves++) await wave()
  await expect.poll(gaveUp, { timeout: 10_000 }).toEqual([0, 0])
  // Idle connections to Kafka are kept, a few for each kind of call.
  await expect.poll(() => handles() - before.handles, { timeout: 10_000 }).toBeLessThan(20)
  await expect.poll(() => intervals() - before.intervals, { timeout: 10_000 }).toBeLessThan(10)
  const last = new RawClient(gateway.url)
  expect((await last.handshake()).status, 'there is room for more').toBe(101)
}, 60_000)
