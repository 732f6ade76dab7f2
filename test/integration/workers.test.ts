import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { http } from '../support/http.ts'
import { brokers, makeTopic, uniqueName } from '../support/kafka.ts'
import { brokenPromises, Load } from '../support/produce-load.ts'
import { readAll } from '../support/read-all.ts'
import { TestProcess } from '../support/start-process.ts'
import { connect } from '../support/ws.ts'

const entry = join(import.meta.dirname, '../../bin/sluice.mjs')

function start(env: Record<string, string> = {}): TestProcess {
  const { PATH = '' } = process.env
  const settings = { PATH, KAFKA_BROKERS: brokers(), SLUICE_PORT: '0', SLUICE_WORKERS: '2', ...env }
  return new TestProcess(process.execPath, [entry, 'serve'], { env: settings })
}

/** All workers listen: its address. */
async function ready(gateway: TestProcess): Promise<{ url: string }> {
  const [, url = ''] = await gateway.printed(/"url":"([^"]+)","workers"/)
  return { url }
}

function workersOf({ pid }: TestProcess): number[] {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
  return children.trim().split(/\s+/).map(Number)
}

async function expectToEnd(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000)
  }
}

it('two workers behind one port write what they are sent, once each, one of them killed takes no other with it, and they end with the process that started them', async () => {
  const topic = await makeTopic({ partitions: 3 })
  const gateway = start()
  const address = await ready(gateway)
  const load = new Load(address, { topic, clients: 8, persistent: true })
  await vi.waitFor(() => expect(load.written()).toBeGreaterThan(200), 10_000)
  const [first, ...others] = workersOf(gateway)
  process.kill(first!, 'SIGKILL')
  // The other one serves on, and another comes in its place.
  await vi.waitFor(async () => {
    expect((await http(address).get('/readyz')).status).toBe(200)
    const now = workersOf(gateway)
    expect(now).toEqual(expect.arrayContaining(others))
    // Killed, it is still to be seen until the process that started it has looked.
    expect(now).not.toContain(first)
    expect(now).toHaveLength(2)
  }, 20_000)
  const before = load.written()
  await vi.waitFor(() => expect(load.written()).toBeGreaterThan(before + 200), 10_000)
  const told = await load.stop()
  expect(brokenPromises(told, await readAll(topic), { deadlineMs: 15_000 })).toEqual([])

  const last = workersOf(gateway)
  expect(last).toHaveLength(2)
  gateway.signal('SIGKILL')
  await expectToEnd(last)
})

it('several workers stop together: streams are sent elsewhere and the exit code is 0', async () => {
  const topic = await makeTopic()
  const gateway = start({ SLUICE_WORKERS: '3' })
  const address = await ready(gateway)
  const clients = await Promise.all(
    Array.from({ length: 6 }, () => connect(address, { topics: topic, group: uniqueName('g') }).opened()),
  )
  await Promise.all(clients.map((client) => client.frame('assigned')))
  gateway.signal('SIGTERM')
  for (const client of clients) expect(await client.closed).toMatchObject({ code: 4503 })
  expect(await gateway.ended).toMatchObject({ code: 0, stderr: '' })
})

it('a second signal ends the workers too, at once, however long they would have waited', async () => {
  const gateway = start({ SLUICE_DRAIN_DELAY_MS: '600000' })
  await ready(gateway)
  const workers = workersOf(gateway)
  gateway.signal('SIGTERM')
  await gateway.printed(/shutting down[^]*shutting down/)
  gateway.signal('SIGTERM')
  expect(await gateway.ended).toMatchObject({ code: 1, stderr: '' })
  await expectToEnd(workers)
})

it('workers that cannot have the port say so in one sentence', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as AddressInfo
  const { code, stderr } = await start({ SLUICE_PORT: String(port) }).ended
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `sluice: port ${port} is in use: stop what listens there or set SLUICE_PORT.\n`,
  })
})
