import { pino } from 'pino'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { KafkaCode } from '../../src/kafka/errors.ts'
import { RecordWriter } from '../../src/kafka/writer/record-writer.ts'
import { FakeKafka } from '../support/fake-cluster.ts'
import { failed } from '../support/partition-log.ts'

const silentLog = pino({ level: 'silent' })

function writerOn(kafka: FakeKafka, timeoutMs = 1_500, log = silentLog): RecordWriter {
  const writer = new RecordWriter(kafka.cluster, { timeoutMs }, log)
  writer.start()
  onTestFinished(() => writer.close())
  return writer
}

const record = (value: string, partition?: number) => {
  return { key: null, value: Buffer.from(value), headers: [], partition }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Writes one record without a key every two milliseconds; resolves with how many had which outcome. */
async function trickle(writer: RecordWriter, topic: string, count: number): Promise<Record<string, number>> {
  const all: Promise<string>[] = []
  for (let i = 0; i < count; i++) {
    all.push(writer.write(topic, [record(`r${i}`)]).then(([result]) => result!.outcome))
    await pause(2)
  }
  const outcomes: Record<string, number> = {}
  for (const outcome of await Promise.all(all)) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  return outcomes
}

afterEach(() => void vi.useRealTimers())

describe('records without a key', () => {
  it.each([
    ['takes requests and answers none', { silent: true }],
    ['refuses connections', { down: true }],
  ])('keep off the partitions of a broker that %s', async (_, state) => {
    const kafka = new FakeKafka(3)
    kafka.lead('t', [1, 2, 3])
    Object.assign(kafka.brokers[2]!, state)
    const { written = 0 } = await trickle(writerOn(kafka), 't', 300)
    expect(written).toBeGreaterThan(285)
  })

  it('keep off a broker all of whose connections hang, however many partitions it leads', async () => {
    const kafka = new FakeKafka(2)
    kafka.lead('t', [...Array<number>(20).fill(1), ...Array<number>(20).fill(2)])
    kafka.brokers[1]!.silent = true
    const { written = 0 } = await trickle(writerOn(kafka), 't', 300)
    expect(written).toBeGreaterThan(150)
  })

  it('turn to a partition that failed again after a while', async () => {
    const kafka = new FakeKafka(2)
    kafka.lead('t', [1, 2])
    kafka.brokers[1]!.down = true
    const writer = writerOn(kafka, 500)
    await writer.write('t', [record('a', 1)])
    kafka.brokers[1]!.down = false
    const log = kafka.log('t', 1)
    await vi.waitFor(async () => {
      await writer.write('t', [record('b')])
      expect(log.values).toContain('b')
    }, 5_000)
  })

  it('spread over partitions within one large batch', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1, 1, 1, 1])
    await writerOn(kafka).write(
      't',
      Array.from({ length: 20_000 }, () => record('x'.repeat(100))),
    )
    const sizes = [0, 1, 2, 3].map((partition) => kafka.log('t', partition).values.length)
    expect(Math.min(...sizes)).toBeGreaterThan(0)
  })
})

describe('RecordWriter', () => {
  it('holds up a partition that works by one that does not once at most', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1, 1])
    const stuck = async () => {
      await pause(400)
      return failed(KafkaCode.REQUEST_TIMED_OUT)
    }
    kafka.brokers[0]!.answers = ({ partition }) => (partition === 0 ? stuck() : undefined)
    const writer = writerOn(kafka)
    const hopeless = writer.write('t', [record('a', 0)])
    const waits: number[] = []
    for (let i = 0; i < 100; i++) {
      const before = performance.now()
      await writer.write('t', [record(`b${i}`, 1)])
      waits.push(performance.now() - before)
    }
    expect(waits.filter((ms) => ms > 100).length).toBeLessThanOrEqual(1)
    expect(await hopeless).toMatchObject([{ outcome: 'unknown' }])
  })

  it('leaves a leader that is silent as soon as metadata names another, with the same bytes', async () => {
    const kafka = new FakeKafka(2)
    kafka.lead('t', [1])
    const writer = writerOn(kafka, 10_000)
    await writer.write('t', [record('a')])
    kafka.brokers[0]!.silent = true
    const written = writer.write('t', [record('b')])
    await pause(50)
    kafka.lead('t', [2])
    const before = performance.now()
    expect(await written).toMatchObject([{ outcome: 'written' }])
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(kafka.log('t', 0).values).toEqual(['a', 'b'])
  })

  it('never takes new records for old ones when a topic that seemed gone is back', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    const writer = writerOn(kafka)
    await writer.write('t', [record('a')])
    kafka.hide('t')
    await vi.waitFor(
      () => expect(writer.write('t', [record('b')])).rejects.toMatchObject({ code: 'topic_not_found' }),
      1_000,
    )
    await pause(1_100)
    await expect(writer.write('t', [record('b')])).rejects.toMatchObject({ code: 'topic_not_found' })
    kafka.lead('t', [1])
    expect(await writer.write('t', [record('c')])).toMatchObject([{ outcome: 'written', offset: 1 }])
    expect(kafka.log('t', 0).values).toEqual(['a', 'c'])
  })

  it('answers what waits for a topic that was deleted, with topic_not_found', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    const writer = writerOn(kafka, 10_000)
    await writer.write('t', [record('a')])
    kafka.brokers[0]!.answers = () => Promise.resolve(failed(KafkaCode.UNKNOWN_TOPIC_OR_PARTITION))
    const pending = writer.write('t', [record('b')])
    kafka.hide('t')
    const before = performance.now()
    const results = await pending.catch((error: unknown) => [{ outcome: 'not_written', problem: error }])
    expect(results).toMatchObject([{ outcome: 'not_written', problem: { code: 'topic_not_found' } }])
    expect(performance.now() - before).toBeLessThan(2_500)
  })

  it('looks again before it says that there is no such partition', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    const writer = writerOn(kafka)
    await writer.write('t', [record('a', 0)])
    kafka.lead('t', [1, 1])
    const results = await writer.write('t', [record('b', 1), record('c', 2), record('d', 0)])
    expect(results.map(({ outcome }) => outcome)).toEqual(['written', 'not_written', 'written'])
    expect(results[1]).toMatchObject({ problem: { code: 'partition_not_found' } })
  })

  it('gives what waits for a partition that the topic no longer has its outcome', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1, 1])
    const writer = writerOn(kafka, 10_000)
    await writer.write('t', [record('a', 1)])
    kafka.brokers[0]!.answers = () => Promise.resolve(failed(KafkaCode.UNKNOWN_TOPIC_OR_PARTITION))
    const pending = writer.write('t', [record('b', 1)])
    kafka.lead('t', [1], 'made again')
    expect(await pending).toMatchObject([
      { outcome: 'not_written', problem: { code: 'partition_not_found' } },
    ])
  })

  it('answers a call without records at once', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    expect(await writerOn(kafka).write('t', [])).toEqual([])
  })
})

describe('a writer that is closed', () => {
  it('has answered everything: what waits, what is in flight, and what waits for metadata', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    kafka.brokers[0]!.silent = true
    const writer = writerOn(kafka, 60_000)
    const first = writer.write('t', [record('in flight')])
    await vi.waitFor(() => expect(kafka.brokers[0]!.requests).toHaveLength(1))
    const second = writer.write('t', [record('waiting')])
    await pause(20)
    kafka.unreachable = true
    const third = writer.write('other', [record('x')])
    writer.close()
    expect(await first).toMatchObject([{ outcome: 'unknown' }])
    expect(await second).toMatchObject([{ outcome: 'not_written', problem: { code: 'shutting_down' } }])
    await expect(third).rejects.toMatchObject({ options: { outcome: 'not_written' } })
    await expect(writer.write('t', [record('late')])).rejects.toMatchObject({ code: 'shutting_down' })
  })

  it('lets go of a connection that opens or comes free only then', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    const late = Promise.withResolvers<ReturnType<typeof failed>>()
    kafka.brokers[0]!.answers = () => late.promise
    const writer = writerOn(kafka)
    const open = kafka.brokers[0]!.open
    const pending = writer.write('t', [record('a')])
    await vi.waitFor(() => expect(kafka.brokers[0]!.requests).toHaveLength(1))
    writer.close()
    await pending
    late.resolve(failed(KafkaCode.NONE))
    await vi.waitFor(() => expect(kafka.brokers[0]!.open).toBe(open + 1))
  })
})

describe('while Kafka is in trouble, the writer', () => {
  it('opens no more connections than it uses when a quota holds it back, and sends nothing meanwhile', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1, 1, 1, 1])
    kafka.brokers[0]!.throttleMs = 200
    const writer = writerOn(kafka)
    const before = kafka.brokers[0]!.connects
    await trickle(writer, 't', 200)
    expect(kafka.brokers[0]!.connects - before).toBeLessThanOrEqual(2)
    expect(kafka.brokers[0]!.requests.length).toBeLessThan(12)
  })

  it('asks it for little, however many partitions wait', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', Array<number>(200).fill(1))
    const lines: unknown[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
    const writer = writerOn(kafka, 1_000, log)
    await writer.write('t', [record('a', 0)])
    const { lookUps, brokers } = kafka
    const [broker] = brokers
    const connects = broker!.connects
    broker!.down = true
    kafka.unreachable = true
    // What is open is cut, as when the process is killed.
    broker!.answers = () => Promise.reject(new Error('cut'))
    const records = Array.from({ length: 200 }, (_, partition) => record('b', partition))
    const results = await writer.write('t', records)
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['unknown']))
    expect(broker!.connects - connects).toBeLessThan(25)
    expect(kafka.lookUps - lookUps).toBeLessThan(250)
    expect(lines.length).toBeLessThanOrEqual(3)
  })

  it('fetches one producer id, however many partitions need another', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', Array<number>(100).fill(1))
    const writer = writerOn(kafka, 400)
    await writer.write('t', [record('a', 0)])
    kafka.brokers[0]!.silent = true
    const records = Array.from({ length: 100 }, (_, partition) => record('b', partition))
    await writer.write('t', records)
    kafka.brokers[0]!.silent = false
    const before = kafka.producerIds
    const results = await writer.write('t', records)
    expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(['written']))
    expect(kafka.producerIds - before).toBeLessThanOrEqual(1)
  })
})

describe('calls in one order', () => {
  it('enter their records in it, though an earlier one has to look its partition up first', async () => {
    const kafka = new FakeKafka()
    kafka.lead('t', [1])
    const writer = writerOn(kafka)
    await writer.write('t', [record('first', 0)])
    const order = {}
    const calls = [
      writer.write('t', [record('a', 0), record('nowhere', 7)], { order }),
      writer.write('t', [record('b', 0)], { order }),
      writer.write('gone', [record('c', 0)], { order }).catch(() => {}),
      writer.write('t', [record('d', 0)], { order }),
    ]
    await calls[3]
    expect(kafka.log('t', 0).values).toEqual(['first', 'a', 'b', 'd'])
    await Promise.all(calls)
    await writer.write('t', [record('e', 0)], { order })
    expect(kafka.log('t', 0).values.at(-1)).toBe('e')
  })
})
