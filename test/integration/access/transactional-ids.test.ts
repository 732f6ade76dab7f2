import { describe, expect, it, onTestFinished } from 'vitest'
import { useAdminCluster } from '../../support/admin-cluster.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { http, type HttpClient } from '../../support/http.ts'
import { kafkaTool } from '../../support/kafka-tools/index.ts'
import { makeTopic, uniqueName, witness } from '../../support/kafka.ts'

const cluster = useAdminCluster()

async function clusterClient(): Promise<HttpClient> {
  return http(await startTestGateway({ KAFKA_BROKERS: cluster.bootstrap }))
}

/** A transaction of kafkajs with one record in each partition of a topic, left open. */
async function openTransaction(transactionalId: string, topic: string, partitions: number) {
  const producer = witness(cluster.bootstrap).producer({
    transactionalId,
    maxInFlightRequests: 1,
    idempotent: true,
    retry: { retries: 1 },
  })
  await producer.connect()
  onTestFinished(() => producer.disconnect())
  const transaction = await producer.transaction()
  const messages = Array.from({ length: partitions }, (_, partition) => ({ partition, value: 'x' }))
  await transaction.send({ topic, messages })
  return transaction
}

interface Id {
  readonly transactionalId: string
  readonly state: string
  readonly producerId: number
  readonly coordinator: number
  readonly gateway: boolean
}

async function idsOf(client: HttpClient, query: string): Promise<Id[]> {
  const { status, json } = await client.get(`/v1/transactional-ids?${query}`)
  expect({ status, unanswered: (json as { unanswered: unknown }).unanswered }).toEqual({
    status: 200,
    unanswered: [],
  })
  return (json as { transactionalIds: Id[] }).transactionalIds
}

/** The cells of a table that kafka-transactions prints, by the first. */
function table(text: string): Map<string, string[]> {
  const rows = text.split('\n').map((line) => line.trim().split(/\s+/))
  return new Map(rows.map(([name = '', ...cells]) => [name, cells]))
}

describe('/v1/transactional-ids', () => {
  it('lists and describes what is under way at every coordinator, as Kafka shows it', async () => {
    const client = await clusterClient()
    const topic = await makeTopic({ partitions: 2, replicationFactor: 3 }, cluster.bootstrap)
    const prefix = uniqueName('tx')
    const open = await openTransaction(`${prefix}-open`, topic, 2)
    await (await openTransaction(`${prefix}-done`, topic, 1)).commit()
    await (await openTransaction(`${prefix}-a/b ß`, topic, 1)).abort()
    onTestFinished(() => open.abort())

    await expect
      .poll(async () => {
        const ids = await idsOf(client, `prefix=${prefix}`)
        return ids.map(({ transactionalId, state }) => [transactionalId.slice(prefix.length + 1), state])
      })
      .toEqual([
        ['a/b ß', 'CompleteAbort'],
        ['done', 'CompleteCommit'],
        ['open', 'Ongoing'],
      ])
    const ids = await idsOf(client, `prefix=${prefix}`)
    const listed = table(await kafkaTool('kafka-transactions', ['list'], cluster.bootstrap))
    const [, done, ongoing] = ids
    for (const { transactionalId, coordinator, producerId, state } of [done!, ongoing!]) {
      expect(listed.get(transactionalId)).toEqual([String(coordinator), String(producerId), state])
    }

    const names = async (query: string) =>
      (await idsOf(client, `prefix=${prefix}&${query}`)).map(({ transactionalId }) => transactionalId)
    expect(await names('state=Ongoing')).toEqual([`${prefix}-open`])
    expect(await names('state=Ongoing&state=CompleteCommit')).toEqual([`${prefix}-done`, `${prefix}-open`])
    expect(await names(`producerId=${done!.producerId}`)).toEqual([`${prefix}-done`])
    expect(await names('longerThanMs=0')).toEqual([`${prefix}-open`])
    expect(await names('longerThanMs=3600000')).toEqual([])
    expect(await names('limit=1')).toEqual([`${prefix}-a/b ß`])

    const { json } = await client.get(`/v1/transactional-ids/${prefix}-open`)
    const partitions = [0, 1].map((partition) => ({ topic, partition }))
    expect(json).toEqual({
      ...ongoing,
      producerEpoch: 0,
      timeoutMs: 60_000,
      partitions,
      startTimestamp: expect.any(Number) as number,
    })
    expect(Math.abs((json as { startTimestamp: number }).startTimestamp - Date.now())).toBeLessThan(60_000)
    const odd = await client.get(`/v1/transactional-ids/${encodeURIComponent(`${prefix}-a/b ß`)}`)
    expect(odd.json).toMatchObject({ state: 'CompleteAbort', startTimestamp: null, partitions: [] })
    const unknown = await client.get(`/v1/transactional-ids/${prefix}`)
    expect(unknown).toMatchObject({ status: 404, json: { code: 'transactional_id_not_found' } })

    const producers = await client.get(`/v1/topics/${topic}/partitions/1/producers`)
    const arguments_ = ['describe-producers', '--topic', topic, '--partition', '1']
    const shown = table(await kafkaTool('kafka-transactions', arguments_, cluster.bootstrap))
    const [producer] = (producers.json as { producers: Record<string, unknown>[] }).producers
    expect(producer).toMatchObject({ producerId: ongoing!.producerId, producerEpoch: 0, lastSequence: 0 })
    expect(producer).toMatchObject({ transactionStartOffset: 0, coordinatorEpoch: null })
    const [epoch, , sequence, timestamp, start] = shown.get(String(ongoing!.producerId))!
    expect([epoch, sequence, timestamp, start]).toEqual(['0', '0', String(producer!.lastTimestamp), '0'])
    const none = await client.get(`/v1/topics/${topic}/partitions/2/producers`)
    expect(none).toMatchObject({ status: 404, json: { code: 'partition_not_found' } })
  })

  it('aborts what is open under an id, once, tells it beforehand, and fences its producer', async () => {
    const client = await clusterClient()
    const topic = await makeTopic({ replicationFactor: 3 }, cluster.bootstrap)
    const transactionalId = uniqueName('tx')
    const path = `/v1/transactional-ids/${transactionalId}`
    expect((await client.delete(path)).status).toBe(404)
    const transaction = await openTransaction(transactionalId, topic, 1)
    const found = (await client.get(path)).json as object
    const planned = await client.delete(`${path}?dryRun=true`)
    expect(planned.json).toEqual({ ...found, aborted: true, dryRun: true })
    expect((await client.get(path)).json).toEqual(found)

    const aborted = await client.delete(path)
    expect(aborted.json).toEqual({ ...found, aborted: true, dryRun: false })
    await expect(transaction.commit()).rejects.toThrow()
    const again = await client.delete(path)
    expect(again.json).toMatchObject({ aborted: false, dryRun: false, partitions: [] })
    const shown = await kafkaTool(
      'kafka-transactions',
      ['describe', '--transactional-id', transactionalId],
      cluster.bootstrap,
    )
    expect(shown).not.toMatch(/Ongoing|Prepare|Commit/)
    // Its record is there for readers of everything, and for nobody else.
    const records = `/v1/topics/${topic}/records?from=earliest`
    expect(((await client.get(records)).json as { records: unknown[] }).records).toHaveLength(1)
    const read = await client.get(`${records}&isolation=read_committed`)
    expect(read.json).toMatchObject({ records: [], caughtUp: true })

    // Whoever comes next under the id is not in the way of what was aborted.
    const next = await openTransaction(transactionalId, topic, 1)
    await next.commit()
    expect((await client.delete(path)).json).toMatchObject({ aborted: false })
  })

  it("shows the gateways' own ids for what they are, and what Kafka's tool terminates as aborted", async () => {
    const client = await clusterClient()
    const topic = await makeTopic({ replicationFactor: 3 }, cluster.bootstrap)
    await client.post('/v1/transactions', { records: [{ topic, value: 1 }] })
    const own = await idsOf(client, 'prefix=sluice-')
    expect(own.length).toBeGreaterThan(0)
    expect(own.every(({ gateway }) => gateway)).toBe(true)

    const transactionalId = uniqueName('tx')
    await openTransaction(transactionalId, topic, 1)
    const arguments_ = ['forceTerminateTransaction', '--transactionalId', transactionalId]
    await kafkaTool('kafka-transactions', arguments_, cluster.bootstrap)
    const state = async () =>
      ((await client.get(`/v1/transactional-ids/${transactionalId}`)).json as Id).state
    await expect.poll(state).toMatch(/^(Empty|CompleteAbort)$/)
    expect(await idsOf(client, `prefix=${transactionalId}`)).toMatchObject([{ gateway: false }])
  })

  it('refuses to abort by partition what a coordinator looks after', async () => {
    const client = await clusterClient()
    const topic = await makeTopic({ replicationFactor: 3 }, cluster.bootstrap)
    const transactionalId = uniqueName('tx')
    const transaction = await openTransaction(transactionalId, topic, 1)
    const { producerId } = (await client.get(`/v1/transactional-ids/${transactionalId}`)).json as Id
    const path = `/v1/topics/${topic}/partitions/0/abort`
    for (const dryRun of [true, false]) {
      const refused = await client.post(path, { producerId, dryRun })
      expect(refused).toMatchObject({ status: 409, json: { code: 'transaction_not_hanging' } })
    }
    const hanging = await client.get(`/v1/hanging-transactions?topic=${topic}&olderThanMs=0`)
    expect(hanging.json).toEqual({ transactions: [], unanswered: [] })
    await transaction.commit()
    await expect
      .poll(async () => (await client.post(path, { producerId })).json)
      .toMatchObject({ status: 404, code: 'no_open_transaction' })
    for (const body of [
      {},
      { producerId: -1 },
      { producerId: 1, producerEpoch: 32_768 },
      { producerId: 'x' },
    ])
      expect((await client.post(path, body)).status).toBe(422)
  })
})
