import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { brokers, makeTopic } from '../support/kafka.ts'
import { readAll } from '../support/read-all.ts'

const CLIENTS = 16

/** The gateway as a process of its own, as it runs in earnest. */
async function startProcess(): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../bin/sluice.mjs'), 'serve'], {
    env: { PATH: process.env.PATH, KAFKA_BROKERS: brokers(), SLUICE_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  for await (const line of createInterface({ input: child.stdout! })) {
    const { url } = JSON.parse(line) as { url?: string }
    if (url === undefined) continue
    child.stdout!.resume()
    return { child, url }
  }
  throw new Error('the gateway ended before it listened')
}

type Answer = { status: number; code?: string } | 'refused' | 'cut'

function post(agent: Agent, url: string, value: string): Promise<Answer> {
  return new Promise((resolve) => {
    const outgoing = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } })
    outgoing.once('response', (incoming) => {
      let body = ''
      incoming.on('data', (chunk: Buffer) => (body += chunk.toString()))
      incoming.once('end', () => resolve({ status: incoming.statusCode!, ...(JSON.parse(body) as object) }))
      incoming.once('error', () => resolve('cut'))
    })
    outgoing.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' ? 'refused' : 'cut'),
    )
    outgoing.end(JSON.stringify({ value }))
  })
}

// A connection that reaches the system between the gateway's last look and its refusal is reset, never having been taken:
// a few microseconds, in which a client that opens one for each request can hit.
it.each([
  ['keep their connections', true, 0],
  ['open one for each request', false, 1],
])(
  'answers all it accepted when told to stop under load of clients that %s, writes what it said it wrote, and exits 0',
  async (_, keepAlive, most) => {
    const topic = await makeTopic({ partitions: 3 })
    const { child, url } = await startProcess()
    const agent = new Agent({ keepAlive, maxSockets: CLIENTS })
    onTestFinished(() => agent.destroy())
    const written: string[] = []
    const refused: string[] = []
    let cut = 0
    let sent = 0
    let isTold = false
    const client = async () => {
      for (;;) {
        const value = `v${sent++}`
        const answer = await post(agent, `${url}/v1/topics/${topic}/records`, value)
        if (answer === 'refused') return
        if (answer === 'cut') cut++
        else if (answer.status === 200) written.push(value)
        else {
          expect(answer).toMatchObject({ status: 503, code: 'shutting_down' })
          refused.push(value)
        }
        // Once: told again, it stops at once.
        if (written.length >= 500 && !isTold) isTold = child.kill('SIGTERM')
      }
    }
    const exited = once(child, 'exit')
    await Promise.all(Array.from({ length: CLIENTS }, client))
    expect((await exited)[0]).toBe(0)
    expect(cut).toBeLessThanOrEqual(most)
    const values = (await readAll(topic)).map(({ value }) => value!.toString())
    expect(values.toSorted()).toEqual(written.toSorted())
  },
)
