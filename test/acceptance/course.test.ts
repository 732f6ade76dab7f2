import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { freePort } from '../../dev/kafka/free-port.ts'
import { startTemporaryBroker } from '../../dev/kafka/temporary-broker.ts'
import { type AnswerGate, startAnswerGate } from '../support/answer-gate.ts'
import { hasBrowser, startBrowser } from '../support/browser.ts'
import { courseEnvironment, hasPostgres, Newcomer } from '../support/course.ts'
import { commandsOfCourse, expectations } from '../support/course-page.ts'
import { startTestGateway } from '../support/gateway.ts'
import { http } from '../support/http.ts'
import { hasPython } from '../support/python.ts'
import { readAll } from '../support/read-all.ts'
import type { TestProcess } from '../support/start-process.ts'

const TIMEOUT_MS = 60_000
/** What one command of the page may take, ms. */
const COMMAND_MS = 30_000

/** What the list in a page shows. */
const shownBy = (tab: Page) => () => tab.locator('#messages li').allTextContents()

describe.skipIf(!hasPython)('the course', () => {
  // Of its own, since the programs name their topics and groups.
  let kafka: Awaited<ReturnType<typeof startTemporaryBroker>>
  let bin = ''
  beforeAll(async () => {
    bin = courseEnvironment()
    kafka = await startTemporaryBroker()
  }, 120_000)
  afterAll(() => kafka.stop())

  it(
    'is a page of commands that work as written, in the order written',
    { timeout: 2 * TIMEOUT_MS },
    async () => {
      const { url } = await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap })
      onTestFinished(() => forget(url, ['orders', 'invoices', 'customers']))
      const newcomer = new Newcomer(bin, { SLUICE_URL: url })
      if (hasPostgres) newcomer.havePostgres()
      const [browserPort, ordersPort] = [await freePort(), await freePort()]
      const here = (command: string) =>
        command
          .replaceAll('http://127.0.0.1:8080', url)
          .replaceAll('ws://127.0.0.1:8080', url.replace('http', 'ws'))
          .replaceAll('http://127.0.0.1:8001', `http://127.0.0.1:${ordersPort}`)
          .replaceAll('/tmp/sluice-course', String(newcomer.env.PGHOST))
          // What npx runs in that folder, as the first command shows; it thinks for a second each time.
          .replaceAll(/^npx sluice (?!topics create test2)|(?<=\| )npx sluice /g, 'bin/sluice.mjs ')
      const running: TestProcess[] = []
      let tab: Page | undefined

      for (const { line, written } of commandsOfCourse()) {
        const entry = expectations.find(({ command }) => command.test(written))
        if (entry === undefined)
          expect.fail(`docs/course.md line ${line}: nothing is expected of\n${written}`)
        const { prints, how } = entry
        if (how === 'last') for (const child of running.splice(0)) await child.kill9()
        const settings = { PORT: String(written.includes('orders.mjs') ? ordersPort : browserPort) }
        const type = async () => {
          const child = newcomer.start(here(written), settings)
          const tooLong = setTimeout(() => void child.kill9(), COMMAND_MS)
          try {
            if (how === 'stays' || how === 'waits') await child.printed(prints)
            if (how === 'stays') {
              running.push(child)
              return child.stdout
            }
            if (how === 'waits') child.signal('SIGINT')
            const { code, stdout, stderr } = await child.ended
            if (how !== 'waits') expect(code, `${written}\n${stdout}${stderr}`).toBe(0)
            return stdout + stderr
          } finally {
            clearTimeout(tooLong)
          }
        }
        if (how === 'again')
          await expect.poll(type, { timeout: COMMAND_MS, message: written }).toMatch(prints)
        else expect(await type(), `docs/course.md line ${line}`).toMatch(prints)

        if (written.includes('browser.py') && hasBrowser) {
          tab = await (await startBrowser()).newPage()
          await tab.goto(`http://127.0.0.1:${browserPort}`)
          await expect.poll(shownBy(tab), { timeout: 30_000 }).toHaveLength(2 + 10)
        }
        if (written.includes('garden 10') && tab !== undefined) {
          const isShown = (count: number) =>
            expect.poll(shownBy(tab!), { timeout: 30_000 }).toHaveLength(count)
          await isShown(2 + 10 + 10)
          // Stopped and started again: the page goes on by itself.
          await running.pop()!.kill9()
          running.push(newcomer.start('python examples/course/browser.py test2', settings))
          await newcomer.run('python examples/course/producer.py test2 attic 1')
          await isShown(2 + 10 + 10 + 1)
        }
      }
    },
  )

  /** The next test has the same names. */
  async function forget(url: string, topics: readonly string[]): Promise<void> {
    for (const topic of topics) await http({ url }).delete(`/v1/topics/${topic}`)
  }

  /** A newcomer whose programs reach the gateway by a gate that can keep an answer. */
  async function arrive(topics: Record<string, object>): Promise<{ newcomer: Newcomer; gate: AnswerGate }> {
    const gateway = await startTestGateway({ KAFKA_BROKERS: kafka.bootstrap })
    onTestFinished(() => forget(gateway.url, Object.keys(topics)))
    for (const [name, members] of Object.entries(topics))
      expect((await http(gateway).post('/v1/topics', { name, ...members })).status).toBe(201)
    const gate = await startAnswerGate(gateway)
    return { gate, newcomer: new Newcomer(bin, { SLUICE_URL: gate.url }) }
  }

  it(
    'has no order without its invoice, and none with two, whichever service is killed',
    async () => {
      const { newcomer, gate } = await arrive({ orders: { partitions: 3 }, invoices: { partitions: 3 } })
      const port = await freePort()
      const startOrders = () => newcomer.start('node examples/course/orders.mjs', { PORT: String(port) })
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
    'has every change of a table in the topic once, and in the copy, though feeder and subscriber are killed',
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
      await feeder.printed(/commit \d+: 2 written/)

      // The record is written, and the feeder doesn't know. Another one waits to take over.
      const next = startFeeder()
      let answered = gate.swallow(PUT)
      await sql(`INSERT INTO customers VALUES (3, 'O''Brien: [x] ''y'' new-tuple: id[integer]:9 Ü\\', '')`)
      await answered
      expect(next.stdout).toBe('')
      await feeder.kill9()
      feeder = next
      await feeder.printed(/commit \d+: 1 written/)

      // In the middle of a commit that is larger than what goes at once, the second part of it.
      answered = gate.swallow(PUT, 1)
      await sql(
        `INSERT INTO customers SELECT n, repeat(md5(n::text), 20), 'Rome' FROM generate_series(1000, 1999) n`,
      )
      await answered
      await feeder.kill9()
      await subscriber.kill9()
      feeder = startFeeder()
      await feeder.printed(/commit \d+: 1000 written/)
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

      // Kafka no longer knows the producer, as after a day without a change.
      await forget(gate.url, ['customers'])
      expect((await http(gate).post('/v1/topics', { name: 'customers' })).status).toBe(201)
      await sql(`INSERT INTO customers VALUES (8, 'later', NULL)`)
      const keys = async () => (await readAll('customers', kafka.bootstrap)).map(({ key }) => String(key))
      await expect.poll(keys, { timeout: 20_000, interval: 500 }).toEqual(['8'])
    },
    TIMEOUT_MS,
  )
})

function byPlace(one: string, other: string): number {
  const [a, b] = [one, other].map((change) => change.split('/').map(Number)) as [number[], number[]]
  return a[0]! - b[0]! || a[1]! - b[1]!
}
