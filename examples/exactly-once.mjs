// Writes each line of standard input to a topic, exactly once: node exactly-once.mjs TOPIC
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const url = `${process.env.SLUICE_URL ?? 'http://127.0.0.1:8080'}/v1/topics/${process.argv[2]}/producers`

/** Sends a request until there is a whole answer, and no 5xx; a refusal is an error. */
async function send(method, path, body) {
  const headers = { 'content-type': 'application/json' }
  for (;;) {
    const signal = AbortSignal.timeout(15_000)
    const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body), signal }).catch(
      () => {},
    )
    const result = await answer?.json().catch(() => {})
    if (result && answer.ok) return result
    if (result && answer.status < 500) throw new Error(result.detail)
    await pause(200)
  }
}

const { producer, nextSequence } = await send('POST', '', {})
let sequence = nextSequence
for await (const value of createInterface({ input: process.stdin })) {
  const written = await send('PUT', `/${producer}/records/${sequence}`, { value })
  console.log(written.offset)
  sequence = written.nextSequence
}
