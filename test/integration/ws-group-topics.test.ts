import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets } from '../support/groups.ts'
import { addPartitions, makeAgain, makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { numbered, produce, removeRecordsBelow } from '../support/produce.ts'
import { connect } from '../support/ws.ts'

describe('a member of a group whose topic changes', () => {
  it('goes on at the earliest record where retention has passed the position, and that is committed', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(10))
    const before = connect(gateway, { topics: topic, group, from: '2', ack: 'client' })
    await before.received(8)
    await before.close()
    await removeRecordsBelow(topic, 6)
    const client = connect(gateway, { topics: topic, group, ack: 'client' })
    await client.received(4)
    const types = client.frames.map(({ type }) => type).slice(0, 4)
    expect(types).toEqual(['assigned', 'error', 'assigned', 'records'])
    expect(client.all('error')).toMatchObject([
      { code: 'position_lost', bounds: { earliest: 6, latest: 10 } },
    ])
    expect(client.records.map(({ offset }) => offset)).toEqual([6, 7, 8, 9])
    expect(await committedOffsets(group, topic)).toEqual([6])
  })

  it('goes on where the position lies past the end: nothing is skipped', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(3))
    const client = connect(gateway, { topics: topic, group, from: '99' })
    await client.received(3)
    expect(client.all('error')).toMatchObject([{ code: 'position_lost' }])
    await expect.poll(() => committedOffsets(group, topic)).toEqual([3])
  })

  it('loses a topic that is deleted and keeps the others', async () => {
    const gateway = await startTestGateway()
    const [topic, kept] = [await makeTopic(), await makeTopic()]
    const group = uniqueName('g')
    const client = connect(gateway, { topics: `${topic},${kept}`, group })
    await client.frame('caughtUp')
    await withAdmin((admin) => admin.deleteTopics({ topics: [topic] }))
    await client.frame('revoked', { where: ({ partitions }) => partitions[0]!.topic === topic })
    await produce(kept, numbered(1))
    await client.received(1)
  })

  it('reads a topic that was made again from its start, whatever `from` says', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const group = uniqueName('g')
    await produce(topic, numbered(5))
    const client = connect(gateway, { topics: topic, group, from: 'latest' })
    await client.frame('caughtUp')
    await makeAgain(topic)
    await produce(topic, numbered(3))
    await client.received(3)
    expect(client.records.map(({ offset }) => offset)).toEqual([0, 1, 2])
    await expect.poll(() => committedOffsets(group, topic)).toEqual([3])
  })

  it('that takes over a topic just made again reads the new one, whatever it remembers of the old', async () => {
    const [gateway, other] = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic()
    await produce(topic, numbered(5))
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const owner = connect(gateway, query)
    await owner.received(5)
    const spare = connect(other, query)
    await spare.frame('assigned')
    await makeAgain(topic)
    await produce(topic, numbered(3))
    owner.destroy()
    await spare.received(3, 4_000)
    await expect.poll(() => new Set(spare.records.map(({ offset }) => offset)).size).toBe(3)
    expect(spare.all('error'), 'nothing is lost').toEqual([])
  })

  it('reads partitions that are added from their start, though `from` is latest', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const client = connect(gateway, { topics: topic, group: uniqueName('g'), from: 'latest' })
    await client.frame('caughtUp')
    await addPartitions(topic, 2)
    await produce(topic, numbered(3, { partition: 1 }))
    await client.received(3)
  })
})
