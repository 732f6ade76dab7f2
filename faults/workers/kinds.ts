import type { Client } from './client.ts'
import { exactlyOnce } from './clients/exactly-once.ts'
import { admin, guest } from './clients/guests.ts'
import { comingAndGoing, member } from './clients/member.ts'
import { ndjson } from './clients/ndjson.ts'
import { post } from './clients/post.ts'
import { spy } from './clients/spy.ts'
import { ndjsonReader, poller, reader, sse } from './clients/readers.ts'
import { namedTransactions, transactions } from './clients/transactions.ts'
import { websocket } from './clients/websocket.ts'

/** Every kind of client there is, by name. */
export const kinds = {
  single: post('single', 1),
  batch: post('batch', 20),
  ndjson,
  websocket,
  exactlyOnce,
  transactions,
  namedTransactions,
  member: member({ group: 'members' }),
  returner: member({ group: 'returners', graceMs: 10_000 }),
  comingAndGoing: comingAndGoing('churn', { stays: [2_000, 10_000] }),
  storming: comingAndGoing('storm', { stays: [200, 1_500], calmAfterMs: 20_000 }),
  reader,
  sse,
  ndjsonReader,
  poller,
  admin,
  guest,
  spy,
} satisfies Record<string, Client>
export type Kind = keyof typeof kinds

/** What writes comes to its end before what reads does: readers are to have everything. */
export const readingKinds: ReadonlySet<Kind> = new Set<Kind>([
  'member',
  'returner',
  'comingAndGoing',
  'storming',
  'reader',
  'sse',
  'ndjsonReader',
  'poller',
])
