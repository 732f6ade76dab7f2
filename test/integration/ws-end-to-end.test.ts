import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { type HttpClient, http } from '../support/http.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { readAll } from '../support/read-all.ts'
import { TestProcess } from '../support/start-process.ts'
import { temporaryDir } from '../support/temporary-dir.ts'
import { wsUrl } from '../support/ws.ts'

const RECORDS = 100_000
const PRODUCERS = 4
const BATCH = 1_000
const PARTITIONS = 6

const workerScript = resolve(import.meta.dirname, '../support/ws-worker.ts')

/** What a consumer wrote down, line by line; of a killed one the last may be half. */
function linesOf(file: string): string[][] {
  const text = readFileSync(file, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n'))
  return whole === '' ? [] : whole.split('\n').map((line) => line.split(' '))
}

/** Adds a consumer's records, by place. Each assignment must be read from its start on, offset by offset. */
function takeNotes(file: string, received: Map<string, string>): void {
  const next = new Map<string, number>()
  for (const [what, partition = '', offset = '', key, value] of linesOf(file)) {
    if (what === 'record') {
      if (next.get(partition) !== Number(offset)) {
        throw new Error(`${file}: ${partition}:${offset} came where ${next.get(partition)} was next`)
      }
      received.set(`${partition}:${offset}`, `${key} ${value}`)
      next.set(partition, Number(offset) + 1)
    } else next.set(partition, Number(offset))
  }
}

/** One producer's share, batch after batch; each of its keys counts up. */
async function produceShare(client: HttpClient, topic: string, producer: number): Promise<void> {
  for (let from = 0; from < RECORDS / PRODUCERS; from += BATCH) {
    const records = Array.from({ length: BATCH }, (_, n) => {
      const nth = from + n
      return { key: `p${producer}-${nth % 50}`, value: `${producer}:${String(nth).padStart(6, '0')}` }
    })
    const { status } = await client.post(`/v1/topics/${topic}/records`, { records })
    expect(status).toBe(200)
  }
}

it('100,000 records of four HTTP clients reach two consumers at least once and in order, though one is killed', async () => {
  const gateway = await startTestGateway()
  const topic = await makeTopic({ partitions: PARTITIONS })
  const group = uniqueName('g')
  const dir = temporaryDir()
  const files = ['steady', 'killed', 'restarted'].map((name) => join(dir, name))
  const url = wsUrl(gateway, { topics: topic, group, from: 'earliest' })
  const consume = async (file: string): Promise<TestProcess> => {
    const worker = new TestProcess(process.execPath, [workerScript, url, file], { env: process.env })
    await worker.printed(/assigned/)
    return worker
  }
  await consume(files[0]!)
  const killed = await consume(files[1]!)
  const producing = Promise.all(
    Array.from({ length: PRODUCERS }, (_, producer) => produceShare(http(gateway), topic, producer)),
  )
  await expect.poll(() => linesOf(files[1]!).length, { timeout: 20_000, interval: 20 }).toBeGreaterThan(1_000)
  killed.signal('SIGKILL')
  await killed.ended
  await consume(files[2]!)
  await producing
  const log = await readAll(topic)
  expect(log).toHaveLength(RECORDS)
  const committed = async () =>
    (await committedOffsets(group, topic)).reduce((sum, offset) => sum + offset, 0)
  await expect.poll(committed, { timeout: 20_000 }).toBe(RECORDS)

  const received = new Map<string, string>()
  for (const file of files) takeNotes(file, received)
  expect(received.size, 'none is lost').toBe(RECORDS)
  const lastOfKey = new Map<string, string>()
  const wrong = log.filter(({ partition, offset, key, value }) => {
    const [k, v] = [key!.toString('utf8'), value!.toString('utf8')]
    const isInOrder = (lastOfKey.get(k) ?? '') < v
    lastOfKey.set(k, v)
    return !isInOrder || received.get(`${partition}:${offset}`) !== `${k} ${v}`
  })
  expect(wrong).toEqual([])
}, 90_000)
