import { describe, expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { committedOffsets, membersOf } from '../support/groups.ts'
import { makeTopic, uniqueName } from '../support/kafka.ts'
import { numbered, produce, produceSteadily, withProducer } from '../support/produce.ts'
import { rawConnect } from '../support/raw-ws.ts'
import { connect, type WsClient } from '../support/ws.ts'
import { startGatewayProcess } from '../support/ws-gateway-process.ts'
import { GroupLedger, owned, shared } from '../support/ws-ledger.ts'

/** The same sequence for the same seed (mulberry32). */
function random(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe('a group of WebSockets', () => {
  it.each([
    ['leaves in order', (client: WsClient) => void client.close()],
    ['vanishes', (client: WsClient) => client.destroy()],
  ])('has all partitions at the other within a second when one %s, and nothing is lost', async (_, go) => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic({ partitions: 4 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const ledger = new GroupLedger()
    const a = ledger.join(gateways[0]!, 'a', query)
    const b = ledger.join(gateways[1]!, 'b', query)
    await shared([a, b], 2)
    await withProducer(async (producer) => {
      const stop = produceSteadily(producer, topic, 4)
      await b.received(100)
      go(b)
      await a.until('all partitions', () => owned(a).length === 4, 1_000)
      await stop()
      await ledger.expectAll(topic)
    })
  })

  it('frees the partitions of a socket that answers no ping any more', async () => {
    const gateway = await startTestGateway({ SLUICE_WS_PING_MS: '1000' })
    const topic = await makeTopic({ partitions: 2 })
    const group = uniqueName('g')
    const query = { topics: topic, group, from: 'earliest' }
    const silent = await rawConnect(gateway, query)
    await silent.until('an assignment', () => silent.messages.length > 0)
    // Nothing tells that it is gone: the connection stays open.
    silent.socket.pause()
    const other = connect(gateway, query)
    await other.until('all partitions', () => owned(other).length === 2, 5_000)
    expect(await membersOf(group)).toBe(1)
  })

  it('frees the partitions of a gateway that was killed once its session has expired', async () => {
    const session = { SLUICE_GROUP_SESSION_TIMEOUT_MS: '6000' }
    const [killed, other] = [await startGatewayProcess(session), await startTestGateway(session)]
    const topic = await makeTopic({ partitions: 2 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const gone = connect(killed, query)
    await gone.frame('assigned')
    const stays = connect(other, query)
    await shared([gone, stays], 1)
    const killedAt = performance.now()
    killed.process.signal('SIGKILL')
    await stays.until('all partitions', () => owned(stays).length === 2, 15_000)
    expect(performance.now() - killedAt).toBeLessThan(9_000)
    await produce(
      topic,
      [0, 1].flatMap((partition) => numbered(1, { partition })),
    )
    await stays.received(2)
  })

  it('reads what stays where it is throughout a rebalance, and what moves again within a second', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic({ partitions: 4 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    // A client that answers no ping is waited for before its partitions are given up: the rebalance takes its time.
    const a = connect(gateways[0]!, query, { autoPong: false })
    await withProducer(async (producer) => {
      const stop = produceSteadily(producer, topic, 4)
      await a.received(100)
      const b = await connect(gateways[1]!, query).opened()
      const before = a.records.length
      const { partitions } = await a.frame('revoked')
      const [revokedAt, moved] = [performance.now(), partitions.map(({ partition }) => partition)]
      const meanwhile = a.records.slice(before).filter(({ partition }) => !moved.includes(partition))
      expect(meanwhile.length).toBeGreaterThan(0)
      await b.until('what moved', () => owned(b).length === moved.length)
      expect(performance.now() - revokedAt).toBeLessThan(1_000)
      const after = a.records.length
      await a.received(after + 50)
      await stop()
      expect(a.all('assigned'), 'what stays is not assigned anew').toHaveLength(1)
    })
  })

  it('says revoked only after what was acked is committed, and there the next owner starts', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 4 })
    const group = uniqueName('g')
    const query = { topics: topic, group, from: 'earliest', ack: 'client' }
    await produce(
      topic,
      [0, 1, 2, 3].flatMap((partition) => numbered(2_000, { partition })),
    )
    const acked = new Map<number, number>()
    const a = connect(gateway, query, {
      observe(frame) {
        // Record by record, so that acks and commits are under way at every moment.
        if (frame.type === 'revoked')
          revokedAt ??= frame.partitions.map(({ partition }) => [partition, acked.get(partition) ?? -1])
      },
    })
    let revokedAt: (number | undefined)[][] | undefined
    await a.received(8_000)
    let at = 0
    const acking = setInterval(() => {
      for (let n = 0; n < 20 && at < 8_000 && revokedAt === undefined; n++) {
        const record = a.records[at++]!
        acked.set(record.partition, record.offset)
        a.ack(record)
      }
    }, 1)
    const b = connect(gateway, query)
    await a.frame('revoked')
    const found = await committedOffsets(group, topic)
    clearInterval(acking)
    const receipts = new Map(
      a
        .all('committed')
        .flatMap(({ offsets }) => offsets.map(({ partition, offset }) => [partition, offset])),
    )
    await shared([a, b], 2)
    // An ack that crossed the revocation on its way is refused, every other one counts.
    const refused = a.all('error').length
    for (const frame of b.all('assigned')) {
      for (const { partition, offset } of frame.partitions) {
        expect(offset, 'starts where the receipt said').toBe(receipts.get(partition) ?? 0)
        expect(found[partition], 'was committed by then').toBe(offset)
        expect((acked.get(partition) ?? -1) + 1 - offset, 'lacks refused acks alone').toBeLessThanOrEqual(
          refused,
        )
      }
    }
    expect(a.all('revoked')[0]!.reason).toBe('rebalance')
  })

  it('waits with a revocation for the pongs of what was sent: the next owner repeats nothing', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 2 })
    const query = { topics: topic, group: uniqueName('g'), from: 'earliest' }
    const ledger = new GroupLedger()
    await produce(
      topic,
      [0, 1].flatMap((partition) => numbered(1_000, { partition, size: 1_000 })),
    )
    const a = ledger.join(gateway, 'a', query, { autoPong: false })
    const pings: Buffer[] = []
    a.socket.on('ping', (payload) => pings.push(payload))
    await a.received(2_000)
    const b = await ledger.join(gateway, 'b', query).opened()
    // A slow link: the rebalance has begun by then, and the pongs are no later than it waits for them.
    setTimeout(() => pings.forEach((payload) => a.socket.pong(payload)), 300)
    await shared([a, b], 1)
    await ledger.expectAll(topic)
    expect(ledger.repeats).toBe(0)
  })

  it('that is new and starts at the latest record skips nothing that is produced during a rebalance', async () => {
    const gateway = await startTestGateway()
    const topic = await makeTopic({ partitions: 6 })
    const query = { topics: topic, group: uniqueName('g'), from: 'latest' }
    const ledger = new GroupLedger()
    const a = ledger.join(gateway, 'a', query)
    await a.frame('assigned')
    await withProducer(async (producer) => {
      const stop = produceSteadily(producer, topic, 6)
      const b = ledger.join(gateway, 'b', query)
      const c = ledger.join(gateway, 'c', query)
      await shared([a, b, c], 2)
      a.destroy()
      await shared([b, c], 3)
      await stop()
      await ledger.expectAll(topic)
    })
  })

  it('delivers every record, in order and without a gap to each owner, through 30 joins and leaves', async () => {
    const gateways = [await startTestGateway(), await startTestGateway()]
    const topic = await makeTopic({ partitions: 6 })
    const group = uniqueName('g')
    const ledger = new GroupLedger()
    const next = random(Number(process.env.SEED ?? 42))
    const members: WsClient[] = []
    let joined = 0
    const join = () => {
      const query = { topics: topic, group, from: 'earliest' }
      members.push(ledger.join(gateways[joined % 2]!, `m${joined}`, query))
      joined++
    }
    join()
    await withProducer(async (producer) => {
      const stop = produceSteadily(producer, topic, 6)
      while (joined < 30) {
        if (members.length < 2 || (members.length < 5 && next() < 0.6)) join()
        else {
          const [gone] = members.splice(Math.floor(next() * members.length), 1)
          if (next() < 0.5) gone!.destroy()
          else void gone!.close()
        }
        // Until the group has moved on, or in the middle of it.
        const before = ledger.delivered
        await expect
          .poll(() => ledger.delivered, { timeout: 10_000, interval: 5 })
          .toBeGreaterThan(before + next() * 400)
      }
      await stop()
      await ledger.expectAll(topic)
    })
    await expect.poll(() => membersOf(group)).toBe(members.length)
  })

  it('takes no commit of a gateway that stood still past its session, and skips nothing', async () => {
    const session = { SLUICE_GROUP_SESSION_TIMEOUT_MS: '6000' }
    const [frozen, other] = [await startGatewayProcess(session), await startTestGateway(session)]
    const topic = await makeTopic()
    const group = uniqueName('g')
    const query = { topics: topic, group, from: 'earliest', ack: 'client' }
    await produce(topic, numbered(10))
    const before = connect(frozen, query)
    await before.received(10)
    frozen.process.signal('SIGSTOP')
    before.ack({ topic, partition: 0, offset: 3 })
    const next = connect(other, query)
    await next.received(10, 15_000)
    next.ack({ topic, partition: 0, offset: 9 })
    await next.frame('committed')
    frozen.process.signal('SIGCONT')
    await before.frame('revoked', { where: ({ reason }) => reason === 'lost' })
    before.ack({ topic, partition: 0, offset: 5 })
    expect(await before.frame('error', { where: ({ code }) => code === 'unknown_delivery' })).toMatchObject({
      ref: 'ack',
    })
    expect(await committedOffsets(group, topic)).toEqual([10])
    expect(before.all('committed')).toEqual([])
  })
})
