import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets, membersOf } from '../support/groups.ts'
import { makeAgain, makeTopic, uniqueName, withAdmin } from '../support/kafka.ts'
import { numbered, produce, produceSteadily, withProducer } from '../support/produce.ts'
import { rawConnect } from '../support/raw-ws.ts'
import { connect, type WsClient } from '../support/ws.ts'
import { startGatewayProcess } from '../support/ws-gateway-process.ts'
import { GroupLedger, owned, shared } from '../support/ws-ledger.ts'

const GRACE = '20000'

/** What the group did to a client: every frame that says so, in order. */
function moves(client: WsClient): string[] {
  return client.frames.map(({ type }) => type).filter((type) => type === 'assigned' || type === 'revoked')
}

async function tokenOf(client: WsClient): Promise<string> {
  return (await client.frame('resumable')).token
}

interface Pair {
  readonly topic: string
  readonly group: string
  readonly goes: WsClient
  readonly stays: WsClient
}

/** Two clients of one group that have two partitions each; `goes` asks for a grace. */
async function pair(
  gateways: readonly { readonly url: string }[],
  { grace = GRACE, ack = 'client' } = {},
): Promise<Pair> {
  const topic = await makeTopic({ partitions: 4 })
  const group = uniqueName('g')
  const query = { topics: topic, group, from: 'earliest', ack }
  const goes = connect(gateways[0]!, { ...query, grace })
  await goes.frame('assigned')
  const stays = connect(gateways[1]!, query)
  await shared([goes, stays], 2)
  return { topic, group, goes, stays }
}

function everywhere(from: number, count: number): ReturnType<typeof numbered> {
  return [0, 1, 2, 3].flatMap((partition) => numbered(count, { partition, from }))
}

describe('a socket that drops and comes back with its token', () => {
  it.each([
    ['at the same gateway', 'same'],
    ['at another gateway, while the first lives', 'other'],
    ['at another gateway, after the first was killed', 'killed'],
    ['at another gateway, after the first was shut down', 'stopped'],
  ])('%s keeps its partitions: the other client reads on and notices nothing', async (_, where) => {
    const survivor = await startTestGateway()
    const first =
      where === 'same' ? survivor : await startGatewayProcess({ SLUICE_SHUTDOWN_TIMEOUT_MS: '1000' })
    const { topic, group, goes, stays } = await pair([first, survivor])
    const { token, graceMs, kept } = await goes.frame('resumable')
    expect([graceMs, kept]).toEqual([20_000, false])
    expect(goes.frames[0]!.type, 'before the first assignment').toBe('resumable')
    const [had, movesBefore] = [owned(goes), moves(stays)]
    await produce(topic, everywhere(0, 10))
    await goes.received(20)
    await stays.received(20)
    goes.ack(...had.map((partition) => ({ topic, partition, offset: 3 })))
    await expect
      .poll(async () => (await committedOffsets(group, topic)).filter((offset) => offset === 4))
      .toHaveLength(2)

    if (where === 'killed' && 'process' in first) first.process.signal('SIGKILL')
    else if (where === 'stopped' && 'process' in first) first.process.signal('SIGTERM')
    else goes.destroy()
    await goes.closed
    await produce(topic, everywhere(10, 10))
    await stays.received(40)
    const back = connect(survivor, { resume: token, ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ graceMs: 20_000, kept: true })
    const { partitions } = await back.frame('assigned')
    // Only what was acked is committed, and there it goes on.
    expect(partitions.toSorted((a, b) => a.partition - b.partition)).toEqual(
      had.map((partition) => ({ topic, partition, offset: 4 })),
    )
    await back.received(32)
    for (const partition of had) {
      const offsets = back.records.filter((r) => r.partition === partition).map(({ offset }) => offset)
      expect(offsets).toEqual(Array.from({ length: 16 }, (_, i) => i + 4))
    }
    await produce(topic, everywhere(20, 1))
    await stays.received(42)
    await back.received(34)
    expect(moves(stays), 'no rebalance').toEqual(movesBefore)
    expect(await membersOf(group)).toBe(2)
  })

  it.each(['client', 'auto'])('has what it receives then committed, with ack=%s', async (ack) => {
    const gateways = [await startTestGateway(), await startTestGateway()] as const
    const [topic, group] = [await makeTopic(), uniqueName('g')]
    const goes = connect(gateways[0], { topics: topic, group, from: 'earliest', ack, grace: GRACE })
    await goes.frame('assigned')
    goes.destroy()
    await produce(topic, numbered(10))
    const back = connect(gateways[1], { resume: await tokenOf(goes), ack })
    await back.received(10)
    if (ack === 'client') back.ack({ topic, partition: 0, offset: 9 })
    await back.frame('committed', { where: ({ offsets }) => offsets[0]!.offset === 10 })
    expect(await committedOffsets(group, topic)).toEqual([10])
  })

  it('has what it acked just before it dropped committed, and nothing else', async () => {
    const [gateway, other] = [await startTestGateway(), await startTestGateway()]
    const { topic, group, goes } = await pair([gateway, gateway])
    await produce(topic, everywhere(0, 10))
    await goes.received(20)
    const had = owned(goes)
    goes.ack(...had.map((partition) => ({ topic, partition, offset: 6 })))
    // Acked, sent, and gone: nobody has answered yet.
    goes.socket.once('ping', () => {})
    await new Promise((resolve) => goes.socket.ping('', true, resolve))
    goes.destroy()
    const expected = [0, 1, 2, 3].map((partition) => (had.includes(partition) ? 7 : 0))
    await expect.poll(() => committedOffsets(group, topic)).toEqual(expected)
    const back = connect(other, { resume: await tokenOf(goes), ack: 'client' })
    for (const { offset } of (await back.frame('assigned')).partitions) expect(offset).toBe(7)
  })

  it('and does not come back: the others have its partitions within a second of its grace, not before', async () => {
    const gateway = await startTestGateway()
    const { stays, goes } = await pair([gateway, gateway], { grace: '1500' })
    const before = moves(stays)
    const droppedAt = performance.now()
    goes.destroy()
    await stays.until('all partitions', () => owned(stays).length === 4, 5_000)
    const tookMs = performance.now() - droppedAt
    expect(tookMs).toBeGreaterThan(1_400)
    expect(tookMs).toBeLessThan(2_500)
    expect(moves(stays)).toHaveLength(before.length + 1)
  })

  it('and comes back too late: it joins anew, and says that its place was not kept', async () => {
    const gateway = await startTestGateway()
    const { stays, goes, topic, group } = await pair([gateway, gateway], { grace: '1' })
    goes.destroy()
    await stays.until('all partitions', () => owned(stays).length === 4)
    const back = connect(gateway, { resume: await tokenOf(goes), ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ graceMs: 1, kept: false })
    await shared([stays, back], 2)
    await produce(topic, everywhere(0, 1))
    await back.received(2)
    expect(await membersOf(group)).toBe(2)
  })

  it.each([
    ['says goodbye', (client: WsClient) => client.close(1000)],
    ['closes without a code', (client: WsClient) => client.socket.close()],
    ['goes away', (client: WsClient) => client.close(1001)],
    ['breaks the protocol', (client: WsClient) => void client.send(Buffer.of(1))],
  ])('leaves the group at once where it %s', async (_, end) => {
    const gateway = await startTestGateway()
    const { stays, goes } = await pair([gateway, gateway])
    void end(goes)
    await stays.until('all partitions', () => owned(stays).length === 4, 1_000)
  })

  it('keeps its place where it closes with a code of its own', async () => {
    const gateway = await startTestGateway()
    const { stays, goes } = await pair([gateway, gateway])
    const before = moves(stays)
    await goes.close(4_000)
    const back = connect(gateway, { resume: await tokenOf(goes), ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ kept: true })
    expect(owned(back)).toEqual(owned(goes))
    expect(moves(stays)).toEqual(before)
  })

  it('keeps its place where it was closed because it read too slowly', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_STALL_MS: '1000', SLUICE_WS_BUFFER_BYTES: '65536' })
    const topic = await makeTopic()
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest', ack: 'client' }
    await withProducer(async (producer) => {
      for (let from = 0; from < 990; from += 90)
        await producer.send({ topic, messages: numbered(90, { from, size: 10_000 }) })
    })
    const slow = await rawConnect(gateway, { ...query, grace: GRACE })
    await slow.until('its place', () => slow.messages.some(({ type }) => type === 'resumable'))
    slow.socket.pause()
    const spare = connect(gateway, query)
    await spare.frame('assigned')
    // The stall limit, what it is looked at by and a bit: time itself is what is tested here.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    slow.socket.resume()
    expect(await slow.closes()).toBe(4508)
    const { token } = slow.messages[0] as unknown as { token: string }
    const back = connect(gateway, { resume: token, ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ kept: true })
    await back.received(1)
    expect(back.records[0]!.offset).toBe(0)
    expect(owned(spare)).toEqual([])
  })

  it('keeps its place where it answers no ping any more, and for its grace alone', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_PING_MS: '1000' })
    const topic = await makeTopic()
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest', ack: 'client' }
    const silent = await rawConnect(gateway, { ...query, grace: '1500' })
    await silent.until('an assignment', () => silent.messages.some(({ type }) => type === 'assigned'))
    const next = connect(gateway, query)
    await next.frame('assigned')
    const before = performance.now()
    silent.socket.pause()
    await next.until('the partition', () => owned(next).length === 1, 6_000)
    // A ping at the latest a second later is not answered by the next; then the grace.
    expect(performance.now() - before).toBeGreaterThan(2_400)
  })
})

describe('a member that is away', () => {
  it('misses nothing of a partition that is added meanwhile, or of a topic that is made again', async () => {
    const gateway = await startTestGateway()
    const [grown, again] = [await makeTopic(), await makeTopic()]
    await produce(again, numbered(5))
    const query = { topics: `${grown},${again}`, group: uniqueName('g'), from: 'latest', grace: GRACE }
    const first = connect(gateway, query)
    await first.frame('caughtUp')
    first.destroy()
    await first.closed
    await withAdmin((admin) => admin.createPartitions({ topicPartitions: [{ topic: grown, count: 2 }] }))
    await makeAgain(again)
    await produce(grown, numbered(3, { partition: 1 }))
    await produce(again, numbered(2))
    const back = connect(gateway, { resume: await tokenOf(first) })
    expect(await back.frame('resumable')).toMatchObject({ kept: true })
    await back.received(5)
    const offsets = (topic: string) => back.records.filter((r) => r.topic === topic).map((r) => r.offset)
    expect(offsets(grown)).toEqual([0, 1, 2])
    expect(offsets(again)).toEqual([0, 1])
  })

  it('takes part in a rebalance, as the leader too, and whoever comes back has what is left to it', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    // The first to join leads the group.
    const { topic, group, goes, stays } = await pair([gateways[0]!, gateways[1]!])
    const had = owned(goes)
    goes.destroy()
    await goes.closed
    const startedAt = performance.now()
    const third = connect(gateways[1]!, { topics: topic, group, from: 'earliest', ack: 'client' })
    await third.until('a partition', () => owned(third).length === 1)
    expect(performance.now() - startedAt, 'nobody waits for the one that is away').toBeLessThan(1_500)
    const back = connect(gateways[1]!, { resume: await tokenOf(goes), ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ kept: true })
    await back.frame('assigned')
    await expect
      .poll(() => [stays, third, back].flatMap(owned).toSorted((a, b) => a - b))
      .toEqual([0, 1, 2, 3])
    expect(had, 'nothing that it did not have').toEqual(expect.arrayContaining(owned(back)))
    await produce(topic, everywhere(0, 2))
    for (const client of [stays, third, back]) await client.received(owned(client).length * 2)
  })

  it('is given nothing more that others could read, and has its share again when it is back', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const { topic, group, goes, stays } = await pair([gateways[0]!, gateways[0]!])
    const third = connect(gateways[1]!, { topics: topic, group, from: 'earliest', ack: 'client' })
    await third.until('a partition', () => owned(third).length === 1)
    await expect.poll(() => [goes, stays, third].flatMap(owned).length).toBe(4)
    const kept = owned(goes)
    goes.destroy()
    await goes.closed
    await stays.close()
    const rest = [0, 1, 2, 3].filter((partition) => !kept.includes(partition))
    await expect.poll(() => owned(third), { timeout: 2_000 }).toEqual(rest)
    await produce(topic, everywhere(0, 1))
    await third.received(rest.length)
    const back = connect(gateways[1]!, { resume: await tokenOf(goes), ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ kept: true })
    expect((await back.frame('assigned')).partitions.map(({ partition }) => partition).sort()).toEqual(kept)
    await shared([third, back], 2)
  })

  it('beyond SLUICE_GROUP_MAX_AWAY is not kept: the others have its partitions at once', async () => {
    const gateway = await startTestGateway({ SLUICE_GROUP_MAX_AWAY: '1' })
    const first = await pair([gateway, gateway])
    const second = await pair([gateway, gateway])
    first.goes.destroy()
    await first.goes.closed
    second.goes.destroy()
    await second.stays.until('all partitions', () => owned(second.stays).length === 4, 1_000)
    expect(owned(first.stays)).toHaveLength(2)
    // Whoever comes back makes room.
    const back = connect(gateway, { resume: await tokenOf(first.goes), ack: 'client' })
    expect(await back.frame('resumable')).toMatchObject({ kept: true })
    const again = connect(gateway, { resume: await tokenOf(second.goes), ack: 'client' })
    await shared([second.stays, again], 2)
    again.destroy()
    await again.closed
    const third = connect(gateway, { resume: await tokenOf(again), ack: 'client' })
    expect(await third.frame('resumable')).toMatchObject({ kept: true })
  })

  it('is kept without being asked for where SLUICE_GROUP_GRACE_MS says so', async () => {
    const gateway = await startTestGateway({ SLUICE_GROUP_GRACE_MS: '20000' })
    const query = { topics: await makeTopic(), group: uniqueName('g'), from: 'earliest' }
    const client = connect(gateway, query)
    expect(await client.frame('resumable')).toMatchObject({ graceMs: 20_000 })
    const without = connect(gateway, { ...query, group: uniqueName('g'), grace: '0' })
    await without.frame('assigned')
    expect(without.all('resumable')).toEqual([])
    const plain = connect(gateway, { topics: query.topics })
    await plain.frame('assigned')
    expect(plain.all('resumable')).toEqual([])
  })
})

describe('a hundred drops under load', () => {
  it('lose nothing, keep the order of every partition, and the other member notices none of them', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic({ partitions: 4 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const ledger = new GroupLedger()
    let goes = ledger.join(gateways[0]!, 'goes', { ...query, grace: GRACE })
    await goes.frame('assigned')
    const stays = ledger.join(gateways[1]!, 'stays', query)
    await shared([goes, stays], 2)
    const before = moves(stays)
    const token = await tokenOf(goes)
    await withProducer(async (producer) => {
      const stop = produceSteadily(producer, topic, 4)
      for (let i = 1; i <= 100; i++) {
        await goes.received(1 + (i % 7) * 20)
        await goes.frame('committed')
        goes.destroy()
        goes = ledger.join(gateways[i % 3 === 0 ? 1 : 0]!, `goes ${i}`, { resume: token })
        expect(await goes.frame('resumable')).toMatchObject({ kept: true })
      }
      await stop()
      await ledger.expectAll(topic, 20_000)
    })
    expect(moves(stays)).toEqual(before)
  }, 60_000)
})

describe('a token', () => {
  it.each([
    ['at the same gateway', 1],
    ['at another', 2],
  ])(
    'that is used while its socket is open, %s, takes its place; the socket before is told',
    async (_, count) => {
      const gateways = [await startTestGateway(), await startTestGateway()]
      const { topic, group, goes, stays } = await pair([gateways[0]!, gateways[0]!])
      const before = moves(stays)
      const had = owned(goes)
      const next = connect(gateways[count - 1]!, { resume: await tokenOf(goes), ack: 'client' })
      expect(await next.frame('resumable')).toMatchObject({ kept: true })
      expect(await goes.closed).toMatchObject({ code: 4409 })
      expect(goes.all('error')).toMatchObject([{ code: 'superseded', retryable: false }])
      await next.frame('assigned')
      expect(owned(next)).toEqual(had)
      await produce(topic, everywhere(0, 1))
      await next.received(2)
      expect(moves(stays)).toEqual(before)
      expect(await membersOf(group)).toBe(2)
    },
  )

  it.each([
    ['within its session', '30000', true],
    ['past its session', '6000', false],
  ])(
    'that is used while its gateway stands still is not driven out when that wakes %s',
    async (_, session, kept) => {
      const env = { SLUICE_GROUP_SESSION_TIMEOUT_MS: session }
      const [frozen, gateway] = [await startGatewayProcess(env), await startTestGateway(env)]
      const { topic, group, goes, stays } = await pair([frozen, gateway])
      const token = await tokenOf(goes)
      frozen.process.signal('SIGSTOP')
      if (!kept) await stays.until('all partitions', () => owned(stays).length === 4, 15_000)
      const next = connect(gateway, { resume: token, ack: 'client' })
      expect(await next.frame('resumable')).toMatchObject({ kept })
      await shared([next, stays], 2)
      frozen.process.signal('SIGCONT')
      // The one before is told, though it did not hear of it while it stood still.
      expect(await goes.closed).toMatchObject({ code: 4409 })
      await produce(topic, everywhere(0, 1))
      await next.received(2)
      await stays.received(2)
      expect(next.socket.readyState).toBe(next.socket.OPEN)
      expect(await membersOf(group)).toBe(2)
    },
    30_000,
  )

  it('that is used twice at once lets one win, and the other is told', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const { topic, group, goes, stays } = await pair([gateways[0]!, gateways[0]!])
    const token = await tokenOf(goes)
    goes.destroy()
    const both = gateways.map((gateway) => connect(gateway, { resume: token, ack: 'client' }))
    const lost = await Promise.race(both.map(async (client) => (await client.closed, client)))
    expect(await lost.closed).toMatchObject({ code: 4409 })
    expect(lost.all('error')).toMatchObject([{ code: 'superseded' }])
    const won = both.find((client) => client !== lost)!
    await won.until('partitions', () => owned(won).length === 2)
    await produce(topic, everywhere(0, 1))
    await won.received(2)
    await stays.received(2)
    expect(await membersOf(group)).toBe(2)
  })

  it.each([
    [
      'forged',
      () => Buffer.from('\u0001{"group":"g","topics":["t"],"instanceId":"i"}').toString('base64url'),
    ],
    ['altered', (token: string) => token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A'))],
    ['cut', (token: string) => token.slice(0, -4)],
    ['padded', (token: string) => `${token}=`],
    ['empty', () => ''],
    ['over-long', (token: string) => token.padEnd(40_000, 'A')],
  ])('that is %s joins nothing', async (_, change) => {
    const gateway = await startTestGateway()
    const { group, goes, stays } = await pair([gateway, gateway])
    const before = [moves(goes), moves(stays)]
    const token = change(await tokenOf(goes))
    const client = connect(gateway)
    await client.opened()
    client.send({ type: 'subscribe', resume: token })
    expect(await client.closed).toMatchObject({ code: 4422 })
    expect(client.frames).toMatchObject([{ type: 'error', code: 'invalid_resume_token', retryable: false }])
    expect([moves(goes), moves(stays)]).toEqual(before)
    expect(await membersOf(group)).toBe(2)
  })

  it('of another kind joins nothing', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic()
    const opened = await fetch(`${gateway.url}/v1/topics/${topic}/producers`, { method: 'POST' })
    const { producer } = (await opened.json()) as { producer: string }
    const client = connect(gateway, { resume: producer })
    expect(await client.closed).toMatchObject({ code: 4422 })
    expect(client.frames).toMatchObject([{ type: 'error', code: 'invalid_resume_token' }])
  })

  it('implies group and topics: they may be repeated, but not be others', async () => {
    const gateway = await startTestGateway()
    const { topic, group, goes } = await pair([gateway, gateway])
    const resume = await tokenOf(goes)
    for (const [other, parameter] of [
      [{ topics: await makeTopic() }, 'topics'],
      [{ group: uniqueName('g') }, 'group'],
    ] as const) {
      const client = connect(gateway, { resume, ...other })
      expect(await client.closed).toMatchObject({ code: 4422 })
      expect(client.frames).toMatchObject([{ code: 'invalid_subscription', errors: [{ parameter }] }])
    }
    const back = connect(gateway, { resume, topics: topic, group, grace: '5000' })
    expect(await back.frame('resumable')).toMatchObject({ kept: true, graceMs: 5_000 })
  })
})
