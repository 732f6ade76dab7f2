import { describe, expect, it } from 'vitest'
import type { ReaderEvent } from '../../../src/kafka/record-reader.ts'
import type { WsConnection } from '../../../src/ws/connection.ts'
import { Stream } from '../../../src/ws/stream.ts'
import { at, progress, records, SaidReader, settled } from '../../support/said-reader.ts'

/** A stream whose reader says what the test tells it to, on a socket that takes everything. */
class Stage {
  readonly sent: { type: string; records?: { offset: number }[] }[] = []
  readonly delivered: string[] = []
  readonly #abort = new AbortController()
  readonly reader = new SaidReader()
  readonly stream = new Stream(
    {
      signal: this.#abort.signal,
      send: (message: { type: string }) => void this.sent.push(message),
      sendRecords: (text: Buffer) =>
        void this.sent.push(JSON.parse(text.toString('utf8')) as { type: string }),
      sendError: () => {},
      writable: () => Promise.resolve(),
    } as unknown as WsConnection,
    this.reader,
    { format: 'auto' },
    {
      delivered: (_topic, partition, last, position) => {
        this.delivered.push(`${partition} ${last} ${position}`)
      },
      passed: () => {},
      flushed: () => {},
      lost: () => {},
    },
  )

  turn(...events: ReaderEvent[]): Promise<void> {
    return this.reader.say(...events)
  }

  types(): string[] {
    return this.sent.map(({ type }) => type)
  }
}

async function begin(...partitions: number[]): Promise<{ stage: Stage; running: Promise<void> }> {
  const stage = new Stage()
  stage.stream.assign(partitions.map((partition) => at(partition)))
  const running = stage.stream.run()
  // It asks the socket first whether it may send.
  await settled()
  return { stage, running }
}

describe('Stream', () => {
  it('says caughtUp when each partition has come to the end it had, though that moves on', async () => {
    const { stage } = await begin(0, 1)
    await stage.turn(records(0, 0, 5, 100))
    await stage.turn(progress(1, 0, 0))
    expect(stage.types()).toEqual(['records'])
    await stage.turn(records(0, 5, 95, 200))
    expect(stage.types()).toEqual(['records', 'records', 'caughtUp'])
    await stage.turn(records(0, 100, 100, 200))
    expect(stage.types()).toEqual(['records', 'records', 'caughtUp', 'records'])
  })

  it('says it once for each assignment', async () => {
    const { stage } = await begin(0)
    await stage.turn(progress(0, 0, 0))
    await stage.turn(records(0, 0, 1, 1))
    stage.stream.assign([at(1)])
    await stage.turn(records(1, 0, 1, 1))
    expect(stage.types()).toEqual(['caughtUp', 'records', 'records', 'caughtUp'])
  })

  it('says it when the last partition that was behind is given up, once told', async () => {
    const { stage } = await begin(0, 1)
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
    const { stage } = await begin(0, 1)
    const taken = stage.turn(records(0, 0, 3, 3), records(1, 0, 3, 3))
    stage.stream.unassign([at(0)])
    await taken
    expect(stage.delivered).toEqual(['1 2 3'])
    expect(stage.sent[0]!.records).toHaveLength(3)
  })

  it('sends nothing of where a partition was before it was repositioned', async () => {
    const { stage } = await begin(0)
    const taken = stage.turn(records(0, 0, 3, 3))
    stage.stream.assign([at(0, 50)])
    await taken
    expect(stage.sent).toEqual([])
    await stage.turn(records(0, 50, 1, 51))
    expect(stage.types()).toEqual(['records', 'caughtUp'])
  })

  it('ends when it is stopped, however fast a closed reader answers', async () => {
    const { stage, running } = await begin(0)
    stage.stream.stop()
    await running
    expect(stage.reader.closed).toBe(true)
  })
})
