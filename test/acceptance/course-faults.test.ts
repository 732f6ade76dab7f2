import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { type AnswerGate, startAnswerGate } from '../support/answer-gate.ts'
import { courseEnvironment, hasPostgres, Newcomer } from '../support/course.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'
import { hasPython } from '../support/python.ts'
import { readAll } from '../support/read-all.ts'

const TIMEOUT_MS = 60_000

describe.skipIf(!hasPython)('a program of the course that is killed', () => {
  // Of their own, since the programs name their topics and groups.
  let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
  let bin = ''
  beforeAll(async () => {
    bin = courseEnvironment()
    kafka = await startTemporaryBroker()
  }, 120_000)
  afterAll(() => kafka.stop())

  /** A newcomer whose programs reach the gateway by a gate that can keep an answer. */
  async function arrive(topics: Record<string, object>): Promise<{ newcomer: Newcomer; gate: AnswerGate }> {
    const gateway = await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap })
    for (const [name, members] of Object.entries(topics))
      expect((await http(gateway).post('/v1/topics', { name, ...members })).status).toBe(201)
    const gate = await startAnswerGate(gateway)
    return { gate, newcomer: new Newcomer(bin, { SLUICE_URL: gate.url }) }
  }

  it(
    'leaves no order without its invoice, and none with two: orders and billing',
    async () => {
      const { newcomer, gate } = await arrive({ orders: { partitions: 3 }, invoices: { partitions: 3 } })
      const port = String(await freePort())
      const startOrders = () => newcomer.start('node examples/course/orders.mjs', { PORT: port })
      const startBilling = () => newcomer.start('python examples/course/billing.py')
      const at = (id: number) => `http://127.0.0.1:${port}/${id}`
      /** As a customer who sends an order again until it is accepted. */
      const place = async (id: number) => {
        const sent = () => fetch(at(id), { method: 'PUT', body: '{"total": 12.5}' }).catch(() => undefined)
        await expect.poll(async () => (await sent())?.status, { timeout: 20_000 }).toBe(202)
      }

      let orders = startOrders()
      await orders.printed(/listens/)
      let billing = startBilling()
      for (let id = 1; id <= 5; id++) await place(id)
      // In any order: each partition has its own.
      await billing.printed(/(order [1-5]: billed\n){5}/)

      // The invoice is written, and billing doesn't know.
      let answered = gate.swallow(/^POST \/v1\/transactions /)
      await place(6)
      await answered
      await billing.kill9()
      billing = startBilling()
      await billing.printed(/order 6: billed before\n/)

      // The event is written, and neither the service nor its customer knows.
      answered = gate.swallow(/^POST \/v1\/topics\/orders\/records /)
      const placed = place(7)
      await answered
      await orders.kill9()
      orders = startOrders()
      await placed
      await billing.printed(/order 7: billed before\n/)

      // In the middle of a lot of work, with another member to take over.
      const second = startBilling()
      const burst = Array.from({ length: 20 }, (_, n) => n + 8)
      const placing = Promise.all(burst.map(place))
      await billing.printed(/order (?:[89]|[12]\d): billed\n/)
      await billing.kill9()
      await orders.kill9()
      startOrders()
      await placing

      const ids = [1, 2, 3, 4, 5, 6, 7, ...burst]
      for (const id of ids) {
        const found = async () => (await fetch(at(id))).json()
        const invoice = { invoice: `I-${id}`, amount: 12.5 }
        await expect.poll(found, { timeout: 20_000 }).toEqual({ order: { total: 12.5 }, invoice })
      }
      await second.kill9()
      const keys = async (topic: string) =>
        (await readAll(topic, kafka.bootstrap)).map(({ key }) => Number(String(key)))
      expect((await keys('invoices')).sort((a, b) => a - b)).toEqual(ids)
      expect((await keys('orders')).filter((id) => id === 7)).toEqual([7, 7])
    },
    TIMEOUT_MS,
  )

  it.skipIf(!hasPostgres)(
    'leaves the copy of a table as the table, every change in the topic once: feeder and subscriber',
    async () => {
      const { newcomer, gate } = await arrive({ customers: { cleanup: 'compact' } })
      newcomer.havePostgres()
      await newcomer.run('sh examples/course/postgres.sh start && psql -q -f examples/course/customers.sql')
      const sql = (text: string) => newcomer.run(`psql -q -v ON_ERROR_STOP=1 <<'END'\n${text}\nEND`)
      const startFeeder = () => newcomer.start('python examples/course/feeder.py')
      const startSubscriber = () => newcomer.start('python examples/course/subscriber.py')
      const PUT = /^PUT \/v1\/topics\/customers\/producers\/\S+\/records\//

      // What was there before.
      await sql(`INSERT INTO customers VALUES (1, 'Ann', 'Oslo'), (2, 'before', NULL)`)
      let feeder = startFeeder()
      let subscriber = startSubscriber()
      await feeder.printed(/ready/)
      await sql('UPDATE customers SET id = id')
      await feeder.printed(/2 records of commit/)

      // The record is written, and the feeder doesn't know.
      let answered = gate.swallow(PUT)
      await sql(`INSERT INTO customers VALUES (3, 'O''Brien: [x] ''y'' new-tuple: id[integer]:9 Ü\\', '')`)
      await answered
      await feeder.kill9()
      feeder = startFeeder()
      await feeder.printed(/1 records of commit/)

      // In the middle of a commit that is larger than what goes at once, the second part of it.
      answered = gate.swallow(PUT, 1)
      await sql(
        `INSERT INTO customers SELECT n, repeat(md5(n::text), 20), 'Rome' FROM generate_series(1000, 1999) n`,
      )
      await answered
      await feeder.kill9()
      await subscriber.kill9()
      feeder = startFeeder()
      await feeder.printed(/1000 records of commit/)
      subscriber = startSubscriber()

      // A value that is kept out of the row, and so is not in the log of a change that leaves it alone; a key that changes.
      await sql(`
        INSERT INTO customers SELECT 4, string_agg(md5(n::text), ''), 'Rome' FROM generate_series(1, 3000) n;
        UPDATE customers SET city = E'two\\nlines' WHERE id = 4;
        UPDATE customers SET id = 5 WHERE id = 2;
        BEGIN; DELETE FROM customers WHERE id = 1; INSERT INTO customers VALUES (6, 'gone', NULL); ROLLBACK;
        DELETE FROM customers WHERE id BETWEEN 1500 AND 1999;
        INSERT INTO customers VALUES (7, 'last', NULL);`)
      await subscriber.printed(/^7 /m)

      const table = await newcomer.run(`psql -Atc 'SELECT json_agg(c ORDER BY id) FROM customers c'`)
      const copy = new DatabaseSync(join(newcomer.folder, 'customers.db'), { readOnly: true })
      expect(copy.prepare('SELECT * FROM customers ORDER BY id').all()).toEqual(
        (JSON.parse(table) as object[]).map((row) => Object.assign(Object.create(null), row)),
      )
      copy.close()
      const changes = (await readAll('customers', kafka.bootstrap)).map(({ headers }) =>
        String(headers!.change),
      )
      // Two updates, a row, the many, a row and its update, a tombstone and its row, the deletes, the last.
      expect(changes).toHaveLength(2 + 1 + 1000 + 2 + 2 + 500 + 1)
      expect(new Set(changes).size).toBe(changes.length)
      expect(changes).toEqual(changes.toSorted(byPlace))
    },
    TIMEOUT_MS,
  )
})

function byPlace(one: string, other: string): number {
  const [a, b] = [one, other].map((change) => change.split('/').map(Number)) as [number[], number[]]
  return a[0]! - b[0]! || a[1]! - b[1]!
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
