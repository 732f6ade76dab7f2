import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets, membersOf } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce } from '../support/produce.ts'
import { readAll } from '../support/read-all.ts'
import { rawConnect } from '../support/raw-ws.ts'
import { connect } from '../support/ws.ts'

const patient = { SLUICE_SHUTDOWN_TIMEOUT_MS: '4000' }

describe('a gateway that shuts down', () => {
  it('says draining, commits what was received, closes with 4503 and leaves the group', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    await produce(topic, [...numbered(50), ...numbered(30, { partition: 1 })])
    const client = connect(gateway, { topics: topic, group, from: 'earliest' })
    await client.received(80)
    // Without a pause: the pongs of the last records are still under way.
    await gateway.stop()
    expect(await client.closed).toMatchObject({ code: 4503 })
    expect(client.all('draining')).toEqual([{ type: 'draining', deadlineMs: 4_000 }])
    expect(await committedOffsets(group, topic)).toEqual([50, 30])
    expect(await membersOf(group)).toBe(0)
    const types = client.frames.map(({ type }) => type)
    expect(types.slice(types.indexOf('draining') + 1).filter((type) => type !== 'committed')).toEqual([])
  })

  it('sends no records after draining, though more are produced and the socket is still open', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic()
    await produce(topic, numbered(1))
    const client = connect(gateway, {
      topics: topic,
      group: uniqueName('g'),
      from: 'earliest',
      ack: 'client',
    })
    await client.received(1)
    const stopped = gateway.stop()
    await client.frame('draining')
    await produce(topic, numbered(10))
    await stopped
    expect(client.records).toHaveLength(1)
  })

  it('gives a client that acks by itself a moment to ack what it has', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const client = connect(
      gateway,
      { topics: topic, group, from: 'earliest', ack: 'client' },
      { observe: (frame) => frame.type === 'draining' && client.ack({ topic, partition: 0, offset: 9 }) },
    )
    await client.received(10)
    await gateway.stop()
    expect(await client.closed).toMatchObject({ code: 4503 })
    expect(client.frames.at(-1)).toEqual({
      type: 'committed',
      offsets: [{ topic, partition: 0, offset: 10 }],
    })
    expect(await committedOffsets(group, topic)).toEqual([10])
  })

  it('does not wait long for a client that acks nothing', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic()
    await produce(topic, numbered(10))
    const client = connect(gateway, {
      topics: topic,
      group: uniqueName('g'),
      from: 'earliest',
      ack: 'client',
    })
    await client.received(10)
    const before = performance.now()
    await gateway.stop()
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(await client.closed).toMatchObject({ code: 4503 })
  })

  it('sends readers without a group, and sockets without a subscription, elsewhere too', async () => {
    const gateway = await startTestGateway(patient)
    const clients = [connect(gateway, { topics: await makeTopic() }), connect(gateway)]
    await clients[0]!.frame('caughtUp')
    await clients[1]!.opened()
    await gateway.stop()
    for (const client of clients) {
      expect(await client.closed).toMatchObject({ code: 4503 })
      expect(client.frames.at(-1)).toEqual({ type: 'draining', deadlineMs: 4_000 })
    }
  })

  it('closes sockets that are just joining with 4503, too, and leaves no member behind', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    const clients = Array.from({ length: 10 }, () =>
      connect(gateway, { topics: topic, group, from: 'earliest' }),
    )
    await Promise.all(clients.map((client) => client.opened()))
    await gateway.stop()
    for (const client of clients) {
      expect(await client.closed).toMatchObject({ code: 4503 })
      expect(client.all('error')).toEqual([])
    }
    await expect.poll(() => membersOf(group)).toBe(0)
  })

  it('refuses what a client asks for meanwhile', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic()
    const other = connect(gateway, { topics: topic, group: uniqueName('g'), from: 'earliest', ack: 'client' })
    await produce(topic, numbered(1))
    await other.received(1)
    const client = connect(
      gateway,
      {},
      {
        observe: (frame) => frame.type === 'draining' && client.send({ type: 'subscribe', topics: [topic] }),
      },
    )
    await client.opened()
    await gateway.stop()
    expect(await client.closed).toMatchObject({ code: 4503 })
    expect(client.all('assigned')).toEqual([])
  })

  it('answers what is sent before its client could know, and closes then', async () => {
    const gateway = await startTestGateway(patient)
    const topic = await makeTopic()
    const ids = Array.from({ length: 40 }, (_, id) => id)
    const client = connect(
      gateway,
      {},
      {
        // Before the pong to what comes behind it: the client is as far as if it were still on its way.
        observe: ({ type }) => {
          if (type === 'draining')
            for (const id of ids) client.send({ type: 'produce', id, topic, records: [{ value: 'late' }] })
        },
      },
    )
    await client.opened()
    await gateway.stop()
    expect(await client.closed).toMatchObject({ code: 4503 })
    expect(client.frames.slice(1)).toMatchObject(
      ids.map((id) => ({ type: 'error', ref: 'produce', id, code: 'shutting_down', outcome: 'not_written' })),
    )
    expect(await readAll(topic)).toEqual([])
  })

  it('is not held up past its deadline by a client that does not read or never closes', async () => {
    const gateway = await startTestGateway({ SLUICE_SHUTDOWN_TIMEOUT_MS: '1000' })
    const topic = await makeTopic()
    await produce(topic, numbered(80, { size: 10_000 }))
    const deaf = await rawConnect(gateway, { topics: topic, from: 'earliest' })
    deaf.socket.pause()
    const mute = await rawConnect(gateway, { topics: topic, group: uniqueName('g'), from: 'earliest' })
    await mute.until('records', () => mute.messages.some(({ type }) => type === 'records'))
    const before = performance.now()
    await gateway.stop()
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(mute.closeCode).toBe(4503)
  })
})
