// The orders service. PUT /ID takes an order, GET /ID tells what became of it: node orders.mjs
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

const gateway = process.env.SLUICE_URL ?? 'http://127.0.0.1:8080'

/** Sends a request, again and again while that can help, and returns the JSON of the answer. */
async function send(method, path, body) {
  const headers = { 'content-type': 'application/json' }
  for (;;) {
    const answer = await fetch(gateway + path, { method, headers, body: JSON.stringify(body) }).catch(
      () => {},
    )
    const result = await answer?.json().catch(() => {})
    if (result && answer.ok) return result
    if (result && !result.retryable) throw new Error(`${result.title}: ${result.detail}`)
    await pause(500)
  }
}

/** Reads a topic from its beginning, and goes on as records are written. */
async function follow(topic, take) {
  let position = 'from=earliest'
  for (;;) {
    const page = await send(
      'GET',
      `/v1/topics/${topic}/records?${position}&wait=10000&isolation=read_committed`,
    )
    for (const record of page.records) take(record)
    position = `cursor=${page.cursor}`
  }
}

// This service has no database: what it knows it has read in the topics, and reads again when it starts.
const orders = new Map()
const invoices = new Map()
void follow('orders', ({ key, value }) => orders.set(key, value))
void follow('invoices', ({ key, value }) => invoices.set(key, value))

const server = createServer(async (request, response) => {
  const reply = (status, body) => response.writeHead(status).end(`${JSON.stringify(body)}\n`)
  const id = request.url.slice(1)
  if (request.method === 'GET') {
    if (!orders.has(id)) return reply(404, { error: `no order ${id}` })
    return reply(200, { order: orders.get(id), invoice: invoices.get(id) ?? null })
  }
  const order = await json(request).catch(() => {})
  if (request.method !== 'PUT' || !/^[\w-]{1,50}$/.test(id) || !(order?.total > 0))
    return reply(400, { error: 'send PUT /ID {"total": NUMBER}' })
  if (orders.has(id) && orders.get(id).total !== order.total)
    return reply(409, { error: `order ${id} has another total` })
  // The event: an order was taken. Nobody is called, so nobody has to be there.
  await send('POST', '/v1/topics/orders/records', { key: id, value: { total: order.total } })
  reply(202, { accepted: id })
})
server.listen(process.env.PORT ?? 8001, '127.0.0.1', () => console.log('the orders service listens'))
