import { describe, expect, it } from 'vitest'
import type { FetchedRecord } from '../../../src/fetched-record.ts'
import type { PartitionPosition, ReaderEvent, RecordReader } from '../../../src/kafka/record-reader.ts'
import type { WsConnection } from '../../../src/ws/connection.ts'
import { Stream } from '../../../src/ws/stream.ts'

const topic = 't'

function at(partition: number): PartitionPosition {
  return { topic, topicId: 'id', partition, offset: 0 }
}

function records(partition: number, from: number, count: number, end: number, size = 1): ReaderEvent {
  const bytes = Buffer.alloc(size, 'x')
  const list = Array.from({ length: count }, (_, n): FetchedRecord => {
    const key = { keyStart: -1, keyEnd: -1 }
    const value = { valueStart: 0, valueEnd: size }
    const headers = { headersStart: 0, headerCount: 0 }
    return {
      offset: from + n,
      timestamp: 0,
      timestampType: 'CreateTime',
      bytes,
      ...key,
      ...value,
      ...headers,
    }
  })
  return { kind: 'records', topic, partition, records: list, nextOffset: from + count, end, bytes: size }
}

function progress(partition: number, nextOffset: number, end: number): ReaderEvent {
  return { kind: 'progress', topic, partition, nextOffset, end }
}

/** A stream whose reader says what the test tells it to, on a socket that takes everything. */
class Stage {
  readonly sent: { type: string; records?: { offset: number }[] }[] = []
  readonly delivered: string[] = []
  readonly #turns: ((events: ReaderEvent[]) => void)[] = []
  readonly #abort = new AbortController()
  closed = false
  readonly stream = new Stream(
    {
      signal: this.#abort.signal,
      send: (message: { type: string }) => void this.sent.push(message),
      sendText: (text: Buffer) => void this.sent.push(JSON.parse(text.toString('utf8')) as { type: string }),
      sendError: () => {},
      writable: () => Promise.resolve(),
    } as unknown as WsConnection,
    {
      assign: () => {},
      unassign: () => {},
      next: () => (this.closed ? Promise.resolve([]) : new Promise((resolve) => this.#turns.push(resolve))),
      close: () => {
        this.closed = true
        this.#turns.shift()?.([])
      },
    } as unknown as RecordReader,
    { format: 'auto' },
    {
      delivered: (_topic, partition, last, position) => {
        this.delivered.push(`${partition} ${last} ${position}`)
      },
      flushed: () => {},
      lost: () => {},
    },
  )

  async turn(...events: ReaderEvent[]): Promise<void> {
    this.#turns.shift()!(events)
    await new Promise((resolve) => setImmediate(resolve))
  }

  types(): string[] {
    return this.sent.map(({ type }) => type)
  }
}

function begin(...partitions: number[]): { stage: Stage; running: Promise<void> } {
  const stage = new Stage()
  stage.stream.assign(partitions.map(at))
  return { stage, running: stage.stream.run() }
}

describe('Stream', () => {
  it('says caughtUp when each partition has come to the end it had, though that moves on', async () => {
    const { stage } = begin(0, 1)
    await stage.turn(records(0, 0, 5, 100))
    await stage.turn(progress(1, 0, 0))
    expect(stage.types()).toEqual(['records'])
    await stage.turn(records(0, 5, 95, 200))
    expect(stage.types()).toEqual(['records', 'records', 'caughtUp'])
    await stage.turn(records(0, 100, 100, 200))
    expect(stage.types()).toEqual(['records', 'records', 'caughtUp', 'records'])
  })

  it('says it once for each assignment', async () => {
    const { stage } = begin(0)
    await stage.turn(progress(0, 0, 0))
    await stage.turn(records(0, 0, 1, 1))
    stage.stream.assign([at(1)])
    await stage.turn(records(1, 0, 1, 1))
    expect(stage.types()).toEqual(['caughtUp', 'records', 'records', 'caughtUp'])
  })

  it('says it when the last partition that was behind is given up, once told', async () => {
    const { stage } = begin(0, 1)
    await stage.turn(progress(0, 0, 0), records(1, 0, 1, 100))
    expect(stage.types()).toEqual(['records'])
    stage.stream.unassign([at(1)])
    expect(stage.types()).toEqual(['records'])
    stage.stream.tellCaughtUp()
    expect(stage.types()).toEqual(['records', 'caughtUp'])
    stage.stream.tellCaughtUp()
    expect(stage.types()).toEqual(['records', 'caughtUp'])
  })

  it('sends nothing of a partition that was given up after its records were taken from the reader', async () => {
    const { stage } = begin(0, 1)
    const taken = stage.turn(records(0, 0, 3, 3), records(1, 0, 3, 3))
    stage.stream.unassign([at(0)])
    await taken
    expect(stage.delivered).toEqual(['1 2 3'])
    expect(stage.sent[0]!.records).toHaveLength(3)
  })

  it('ends when it is stopped, however fast a closed reader answers', async () => {
    const { stage, running } = begin(0)
    stage.stream.stop()
    await running
    expect(stage.closed).toBe(true)
  })
})
