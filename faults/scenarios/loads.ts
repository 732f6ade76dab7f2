import type { Load } from '../workers/crew.ts'

/** Writers of every route and readers of every kind, some hundred records a second. */
export const standard: Load = {
  single: [2, 20],
  batch: [1, 200],
  ndjson: [1, 100],
  websocket: [1, 50],
  exactlyOnce: [2, 50],
  transactions: [1, 100],
  namedTransactions: [1, 200],
  member: [3, 0],
  returner: [2, 0],
  reader: [1, 0],
  sse: [1, 0],
  ndjsonReader: [1, 0],
  poller: [1, 0],
}

/** All that there is, at a rate at which memory and handles say something: for a long run without faults. */
export const mixed: Load = {
  single: [3, 60],
  batch: [1, 700],
  ndjson: [1, 700],
  websocket: [2, 200],
  exactlyOnce: [2, 250],
  transactions: [1, 500],
  namedTransactions: [1, 1_500],
  member: [2, 0],
  returner: [2, 0],
  comingAndGoing: [2, 0],
  reader: [1, 0],
  sse: [2, 0],
  ndjsonReader: [1, 0],
  poller: [2, 0],
  admin: [1, 200],
  guest: [4, 200],
}
