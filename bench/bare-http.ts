import { serveJson } from './harness/json-server.ts'

/** Takes the records that the gateway takes and gives the same answers, writing nothing. */
let count = 0
serveJson(({ key }) => ({ partition: key.length % 3, offset: count++, timestamp: Date.now() }))
