import { expect, it, vi } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { committedOffsets } from '../../support/groups.ts'
import { http } from '../../support/http.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'
import { connect } from '../../support/ws.ts'

interface Member {
  readonly member: string
  readonly clientId: string
}

it('a WebSocket is a member like any other: it holds off a reset, and joins again when it is removed', async () => {
  const gateway = await startTestGateway()
  const client = http(gateway)
  const [topic, group] = [await makeTopic({ partitions: 2 }), uniqueName('g')]
  await produce(topic, numbered(4))
  const members = async () =>
    ((await client.get(`/v1/groups/${group}`)).json as { members: Member[] }).members
  const socket = connect(gateway, { topics: topic, group, from: 'earliest', ack: 'client' })
  await socket.received(4)
  socket.ack({ topic, partition: 0, offset: 1 })
  await vi.waitFor(async () => expect(await committedOffsets(group, topic)).toEqual([2, 0]), 10_000)
  const [before] = await members()
  expect(before).toMatchObject({ topics: [topic], assignments: [{ topic, partitions: [0, 1] }] })

  const path = `/v1/groups/${group}/offsets`
  const held = await client.put(path, { to: 'latest' })
  expect(held).toMatchObject({ status: 409, json: { code: 'group_active' } })
  const subscribed = await client.delete(`${path}?topic=${topic}`)
  expect(subscribed).toMatchObject({ status: 409, json: { code: 'topic_subscribed' } })

  const removed = await client.delete(`/v1/groups/${group}/members/${encodeURIComponent(before!.member)}`)
  expect(removed).toMatchObject({ status: 200, json: { member: { member: before!.member } } })
  await vi.waitFor(async () => {
    const [after] = await members()
    expect(after?.member).not.toBe(before!.member)
    expect(after).toMatchObject({ assignments: [{ topic, partitions: [0, 1] }] })
  }, 20_000)
  // It is told that it had lost its place, and what it had not acknowledged comes again.
  await vi.waitFor(() => expect(socket.all('assigned')).toHaveLength(2), 10_000)
  expect(socket.all('revoked')).toMatchObject([{ reason: 'lost' }])
  await socket.received(6)
  expect(socket.records.slice(4).map(({ offset }) => offset)).toEqual([2, 3])

  await socket.close()
  await vi.waitFor(async () => expect(await members()).toEqual([]), 20_000)
  expect(await client.put(path, { to: 'latest' })).toMatchObject({ status: 200, json: { group } })
  expect(await committedOffsets(group, topic)).toEqual([4, 0])
}, 60_000)
