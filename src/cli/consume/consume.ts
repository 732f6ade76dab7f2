import type { Context } from '../context.ts'
import { exitCodes, UsageError } from '../errors.ts'
import { write } from '../output/stdout.ts'
import { parseCount } from '../output/quantities.ts'
import { position } from '../positions.ts'
import { type Frame, type Position, recordTexts, type TextRecord } from './frames.ts'
import { formatPrinter, linePrinter, Printout, type PrintRecord, unescaped } from './print-format.ts'
import { type Delivery, type Subscribe, Subscription } from './subscription.ts'

const LINE_FEED = Buffer.from('\n')

export interface ConsumeOptions {
  readonly from?: string
  readonly offset?: string
  readonly fromBeginning?: boolean
  readonly until?: string
  readonly exit?: boolean
  readonly follow?: boolean
  readonly maxMessages?: string
  readonly group?: string
  readonly partition?: string
  readonly key?: string
  readonly header?: readonly string[]
  readonly isolation?: string
  readonly format?: string
  readonly keySeparator?: string
  readonly timestamp?: boolean
  readonly nullValue?: string
  readonly delimiter?: string
}

/** `sluice consume`: prints records as they come, until an end that was asked for, or Ctrl-C. */
export async function consume(
  context: Context,
  options: ConsumeOptions,
  topics: readonly string[],
): Promise<void> {
  const subscribe = subscriptionOf(options, topics, context.json)
  const print = context.json ? undefined : printerOf(options)
  const isMember = options.group !== undefined
  const limit =
    options.maxMessages === undefined ? Infinity : parseCount(options.maxMessages, '--max-messages', 1)
  const subscription = new Subscription(context.gateway, subscribe, (reason) =>
    context.say(`sluice: ${reason}; connecting again.`),
  )
  const forgetSignals = stopOnSignals(subscription)
  let printed = 0
  try {
    for await (const { frame, bytes } of subscription.frames()) {
      if (frame.type === 'records') {
        const records = frame.records.slice(0, limit - printed)
        await write(
          print === undefined ? linesOf({ frame, bytes }, records.length) : printout(records, print),
        )
        printed += records.length
        if (isMember) subscription.ack(lastOf(records))
        if (printed >= limit) break
      } else if (frame.type === 'caughtUp' && isMember && options.exit === true) break
      else if (frame.type === 'error') warn(context, frame)
    }
  } finally {
    await subscription.leave()
    forgetSignals()
  }
}

/** @throws UsageError */
function subscriptionOf(options: ConsumeOptions, topics: readonly string[], json: boolean): Subscribe {
  const { fromBeginning, until, exit, follow, maxMessages, group, partition, key, header, isolation } =
    options
  const given = options.from ?? options.offset ?? (fromBeginning === true ? 'earliest' : undefined)
  if (follow === true && (exit === true || until !== undefined))
    throw new UsageError('--follow goes on for ever, --exit and --until do not', 'Give one of them.')
  if (group !== undefined) {
    for (const [name, value] of Object.entries({ partition, until, key, header }))
      if (value !== undefined) throw new UsageError(`--${name} is for reading without a group`)
  }
  // Who wants what there is, and an end, wants it from the start.
  const from = given ?? (exit === true && group === undefined ? 'earliest' : undefined)
  return {
    topics: topics.flatMap((topic) => topic.split(',')),
    group,
    from: from === undefined ? undefined : position(from, '--from'),
    until:
      until !== undefined
        ? position(until, '--until')
        : exit === true && group === undefined
          ? 'latest'
          : undefined,
    limit:
      maxMessages === undefined || group !== undefined
        ? undefined
        : parseCount(maxMessages, '--max-messages', 1),
    partition: partition === undefined ? undefined : parseCount(partition, '--partition'),
    key,
    header: header?.map((text) => (text.includes(':') ? text : text.replace('=', ':'))),
    // Text is exact and small to print; JSON keeps every byte of what is JSON.
    format: json ? 'auto' : 'text',
    isolation: isolation === undefined ? undefined : isolation.replace('-', '_'),
  }
}

/** @throws UsageError */
function printerOf({
  format,
  keySeparator,
  timestamp = false,
  nullValue,
  delimiter,
}: ConsumeOptions): PrintRecord {
  const between = unescaped(delimiter ?? '\\n')
  // Kafka's console consumer prints null, kcat nothing.
  if (format !== undefined) return formatPrinter(format, { nullText: nullValue ?? '', delimiter: between })
  const separator = keySeparator === undefined ? undefined : unescaped(keySeparator)
  return linePrinter({
    keySeparator: separator,
    timestamp,
    nullText: nullValue ?? 'null',
    delimiter: between,
  })
}

function printout(records: readonly TextRecord[], print: PrintRecord): string | Buffer {
  const out = new Printout()
  for (const record of records) print(record, out)
  return out.take()
}

function linesOf({ bytes }: Delivery, count: number): Buffer {
  return Buffer.concat(
    recordTexts(bytes)
      .slice(0, count)
      .flatMap((text) => [text, LINE_FEED]),
  )
}

/** Of each partition the last record. */
function lastOf(records: readonly TextRecord[]): Position[] {
  const last = new Map<string, Position>()
  for (const { topic, partition, offset } of records)
    last.set(`${topic} ${partition}`, { topic, partition, offset })
  return [...last.values()]
}

function warn(context: Context, { title, detail, code }: Extract<Frame, { type: 'error' }>): void {
  context.say(`sluice: ${detail ?? title} (${code})`)
}

/** The first signal leaves in order, a second one at once. Answers how to undo that. */
function stopOnSignals(subscription: Subscription): () => void {
  let asked = false
  const onSignal = () => {
    if (asked) process.exit(exitCodes.interrupted)
    asked = true
    subscription.stop()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
}
