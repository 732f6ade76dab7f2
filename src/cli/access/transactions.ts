import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { facts } from '../output/parts.ts'
import { durationText, parseCount, parseDuration } from '../output/quantities.ts'
import { type Column, printable, table } from '../output/table.ts'
import { allPages, segment, tellUnanswered, topicPath } from '../pages.ts'

export interface TransactionListOptions {
  readonly state?: readonly string[]
  readonly longerThan?: string
}

export interface AbortOptions {
  readonly yes?: boolean
  readonly dryRun?: boolean
}

interface TransactionalId {
  readonly transactionalId: string
  readonly state: string
  readonly producerId: number
  readonly coordinator: number
}

interface OpenTransaction extends TransactionalId {
  readonly producerEpoch: number
  readonly timeoutMs: number
  readonly startTimestamp: number | null
  readonly partitions: readonly { readonly topic: string; readonly partition: number }[]
}

interface Producer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastTimestamp: number | null
  readonly transactionStartOffset: number | null
}

interface Hanging extends Producer {
  readonly topic: string
  readonly partition: number
}

export async function listTransactions(
  context: Context,
  { state, longerThan }: TransactionListOptions,
  prefix: string | undefined,
): Promise<void> {
  const query = {
    state,
    prefix,
    longerThanMs: longerThan === undefined ? undefined : parseDuration(longerThan),
  }
  const ids = await allPages<TransactionalId>(context, '/v1/transactional-ids', 'transactionalIds', query)
  await context.printList(
    { transactionalIds: ids },
    ids,
    [
      { title: 'TRANSACTIONAL ID', value: ({ transactionalId }) => transactionalId },
      {
        title: 'STATE',
        value: (row) => row.state,
        paint: (row, style) => (row.state === 'Ongoing' ? style.yellow : undefined),
      },
      { title: 'PRODUCER', value: ({ producerId }) => producerId, right: true },
      { title: 'COORDINATOR', value: ({ coordinator }) => coordinator, right: true },
    ],
    ({ transactionalId }) => transactionalId,
  )
}

export async function describeTransaction(context: Context, id: string): Promise<void> {
  const { body } = await context.gateway.json<OpenTransaction>('GET', pathOf(id))
  await context.print(body, () => describe(context, body))
}

export async function abortTransaction(
  context: Context,
  { yes, dryRun = false }: AbortOptions,
  id: string,
): Promise<void> {
  const abort = async (dry: boolean) =>
    (
      await context.gateway.json<OpenTransaction & { aborted: boolean }>('DELETE', pathOf(id), {
        query: { dryRun: dry },
      })
    ).body
  let found = await abort(true)
  if (found.aborted && !dryRun) {
    await confirm(`Abort the transaction of ${id} and fence its producer`, { yes })
    found = await abort(false)
  }
  await context.print(found, () => describe(context, found))
  context.say(found.aborted ? `${dryRun ? 'Would abort' : 'Aborted'} it.` : 'No transaction is open.')
}

export async function listHanging(
  context: Context,
  { topic, olderThan }: { readonly topic?: string; readonly olderThan?: string },
): Promise<void> {
  const olderThanMs = olderThan === undefined ? undefined : parseDuration(olderThan)
  const { body } = await context.gateway.json<{ transactions: readonly Hanging[] }>(
    'GET',
    '/v1/hanging-transactions',
    {
      query: { topic, olderThanMs },
    },
  )
  tellUnanswered(context, body)
  await context.print(body, () => hangingTable(context, body.transactions))
}

export async function abortHanging(
  context: Context,
  { yes, dryRun = false }: AbortOptions,
  topic: string,
  partition: string,
  producer: string,
): Promise<void> {
  const path = topicPath(topic, `/partitions/${parseCount(partition, 'a partition')}/abort`)
  const producerId = parseCount(producer, 'a producer id')
  const abort = async (body: object) => (await context.gateway.json<Hanging>('POST', path, { body })).body
  let found = await abort({ producerId, dryRun: true })
  if (!dryRun) {
    await confirm(`Abort the transaction of producer ${producerId} in ${topic}, partition ${partition}`, {
      yes,
    })
    // Of the epoch that was shown: what the producer has begun meanwhile, under a later one, stays.
    found = await abort({ producerId, producerEpoch: found.producerEpoch })
  }
  await context.print(found, () => hangingTable(context, [found]))
  context.say(`${dryRun ? 'Would abort' : 'Aborted'} it.`)
}

export async function listProducers(context: Context, topic: string, partition: string): Promise<void> {
  const path = topicPath(topic, `/partitions/${parseCount(partition, 'a partition')}/producers`)
  const { body } = await context.gateway.json<{ producers: readonly Producer[] }>('GET', path)
  await context.print(body, () => table(body.producers, producerColumns(), context.style))
}

function pathOf(id: string): string {
  return `/v1/transactional-ids/${segment(id)}`
}

function describe({ style }: Context, found: OpenTransaction): string {
  const { startTimestamp, partitions } = found
  return `${style.bold(printable(found.transactionalId))}\n${facts([
    ['state', found.state],
    ['producer', `${found.producerId}, epoch ${found.producerEpoch}`],
    ['coordinator', `broker ${found.coordinator}`],
    ['timeout', durationText(found.timeoutMs)],
    ['open for', startTimestamp === null ? undefined : durationText(Date.now() - startTimestamp)],
    [
      'wrote to',
      partitions.length === 0 ? undefined : partitions.map((p) => `${p.topic}:${p.partition}`).join(' '),
    ],
  ])}`
}

function hangingTable({ style }: Context, rows: readonly Hanging[]): string {
  return table<Hanging>(
    rows,
    [
      { title: 'TOPIC', value: (row) => row.topic },
      { title: 'PARTITION', value: (row) => row.partition, right: true },
      ...producerColumns<Hanging>(),
    ],
    style,
  )
}

function producerColumns<T extends Producer>(): Column<T>[] {
  return [
    { title: 'PRODUCER', value: ({ producerId }) => producerId, right: true },
    { title: 'EPOCH', value: ({ producerEpoch }) => producerEpoch, right: true },
    {
      title: 'OPEN SINCE OFFSET',
      value: ({ transactionStartOffset }) => transactionStartOffset,
      right: true,
    },
    {
      title: 'LAST WRITE',
      value: ({ lastTimestamp }) => lastTimestamp && `${durationText(Date.now() - lastTimestamp)} ago`,
    },
  ]
}
