import type { Deps } from '../deps.ts'
import type { OutgoingRecord } from '../records/record.ts'
import type { WriteOrder } from '../kafka/writer/record-writer.ts'
import { outcomeUnknown } from '../kafka/writer/verdict.ts'
import { Problem } from '../problems/problem.ts'
import type { Span } from '../records/json-walk.ts'
import { parseRecordList } from '../records/produce-body.ts'
import { checkPartitions } from '../routes/producers/check-partitions.ts'
import { resultJson } from '../routes/records/produce-answer.ts'
import { RECORD_OVERHEAD_BYTES } from '../routes/records/produce-form.ts'
import { checkTopicName } from '../routes/route.ts'
import { tracedWrite, type TraceSpan } from '../tracing/tracing.ts'
import type { WsConnection } from './connection.ts'
import type { Identity } from './identity.ts'
import { checkMessage } from './check-message.ts'
import { ProduceMessage } from './messages.ts'

type ProduceId = string | number

const ProduceHead = ProduceMessage.omit({ records: true })

/**
 * What one socket produces: any number of messages under way up to its bounds, each answered when its records have their
 * outcomes. Records of one partition keep the order they were sent in. What was taken is written though the socket ends:
 * a script may send and close.
 */
export class SocketProducer {
  readonly #depsOf: () => Deps
  readonly #connection: WsConnection
  readonly #identity: Identity
  readonly #order: WriteOrder = {}
  /** Of the handshake. */
  readonly #span: TraceSpan | undefined
  #records = 0
  /** The last write under way of each exactly-once producer. */
  readonly #last = new Map<string, Promise<void>>()
  /** Messages under way. */
  readonly #unanswered = new Set<{ readonly id: ProduceId }>()
  #bytes = 0
  #held = false
  #onIdle: (() => void)[] = []

  /** `depsOf` gives what serves the socket's client, once it is known who that is. */
  constructor(depsOf: () => Deps, connection: WsConnection, identity: Identity, span: TraceSpan | undefined) {
    this.#span = span
    this.#depsOf = depsOf
    this.#connection = connection
    this.#identity = identity
  }

  get #deps(): Deps {
    return this.#depsOf()
  }

  /** How many records it has taken. */
  get records(): number {
    return this.#records
  }

  /** Settles when everything taken has been answered. */
  async idle(): Promise<void> {
    if (this.#unanswered.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve))
  }

  /** Answers everything under way as what it is by now: unknown. To be followed by the socket's close. */
  giveUp(): void {
    for (const { id } of this.#unanswered)
      this.#connection.sendError(refusal(outcomeUnknown('shutdown'), id), 'produce')
  }

  /**
   * Takes a `produce` message: its bytes, and where its members stand.
   * @throws Problem with the message's `id`, where it has one; nothing of it was written
   */
  take(data: Buffer, members: ReadonlyMap<string, Span>): void {
    let id: ProduceId | undefined
    try {
      const head: Record<string, unknown> = {}
      for (const [name, { start, end }] of members) {
        if (name !== 'records') head[name] = JSON.parse(data.toString('utf8', start, end)) as unknown
      }
      if (isId(head.id)) id = head.id
      const message = checkMessage(ProduceHead, head)
      const { topic, producer, sequence, acks } = message
      this.#identity.caller.requireTopics('produce', [topic])
      checkTopicName(topic)
      const list = members.get('records')
      if (list === undefined) throw missing('/records')
      if (producer !== undefined && sequence === undefined) throw missing('/sequence')
      if (sequence !== undefined && producer === undefined) throw missing('/producer')
      if (this.#deps.stopping.aborted) throw new Problem('shutting_down')
      const records = parseRecordList(data, list.start, this.#deps.config.limits.maxBatchRecords)
      const bytes = data.length + records.length * RECORD_OVERHEAD_BYTES
      if (!this.#deps.budget.tryReserve(topic, bytes)) throw new Problem('overloaded')
      const write =
        producer === undefined || sequence === undefined
          ? this.#write(message.id, topic, records, acks)
          : this.#writeOnce(message.id, topic, { producer, sequence }, records)
      this.#records += records.length
      void this.#answer(message.id, topic, bytes, write)
    } catch (error) {
      // An earlier message under the same sequence number may have been written all the same.
      const isRepeated = members.has('producer') && error instanceof Problem && error.row.retryable
      throw refusal(error, id, isRepeated ? 'unknown' : 'not_written')
    }
  }

  /** The frame that answers a message. */
  async #write(
    id: ProduceId,
    topic: string,
    records: readonly OutgoingRecord[],
    acks: 'all' | '1' | undefined,
  ): Promise<string> {
    const { writer, tracing } = this.#deps
    const options = { acks, order: this.#order }
    const write = (own: readonly OutgoingRecord[]) => writer.write(topic, own, options)
    const results = await tracedWrite(tracing, topic, records, this.#span, write)
    return `{"type":"produced","id":${JSON.stringify(id)},"results":[${results.map(resultJson).join(',')}]}`
  }

  /** The same under an exactly-once producer: what one sends is written one message after the other. */
  #writeOnce(
    id: ProduceId,
    topic: string,
    { producer, sequence }: { readonly producer: string; readonly sequence: number },
    records: readonly OutgoingRecord[],
  ): Promise<string> {
    const { producers } = this.#deps
    const { owner } = this.#identity.caller
    const before = this.#last.get(producer) ?? Promise.resolve()
    const write = before.then(async () => {
      const token = await producers.verify(topic, producer, owner)
      checkPartitions(records, token.partition, true)
      const written = await producers.write(topic, token, sequence, records)
      return JSON.stringify({ type: 'producedOnce', id, ...written })
    })
    const settled = write.then(
      () => {},
      () => {},
    )
    this.#last.set(producer, settled)
    void settled.then(() => {
      if (this.#last.get(producer) === settled) this.#last.delete(producer)
    })
    return write
  }

  async #answer(id: ProduceId, topic: string, bytes: number, write: Promise<string>): Promise<void> {
    const message = { id }
    this.#unanswered.add(message)
    this.#count(bytes)
    try {
      this.#connection.sendText(await write)
    } catch (error) {
      this.#connection.sendError(refusal(error, id), 'produce')
    } finally {
      this.#deps.budget.release(topic, bytes)
      this.#unanswered.delete(message)
      this.#count(-bytes)
    }
  }

  /** Past its bounds the socket is not read; from half of them it is again. */
  #count(bytes: number): void {
    this.#bytes += bytes
    const inFlight = this.#unanswered.size
    const { wsProduceMessages, wsProduceBytes } = this.#deps.config.limits
    const share = this.#held ? 0.5 : 1
    const isFull = inFlight >= wsProduceMessages * share || this.#bytes >= wsProduceBytes * share
    if (isFull !== this.#held) {
      this.#held = isFull
      this.#connection.send(
        isFull ? { type: 'produceHeld', inFlight, bytes: this.#bytes } : { type: 'produceReady' },
      )
      this.#connection.hold(this, isFull)
    }
    if (inFlight > 0) return
    const waiting = this.#onIdle
    this.#onIdle = []
    for (const resolve of waiting) resolve()
  }
}

function missing(pointer: string): Problem {
  const errors = [{ pointer, reason: 'required' }]
  return new Problem('invalid_request', { detail: `${pointer}: required.`, errors })
}

function isId(value: unknown): value is ProduceId {
  return ProduceHead.shape.id.safeParse(value).success
}

/** Whatever keeps a message from being written says so, and which message it was. */
function refusal(
  error: unknown,
  id: ProduceId | undefined,
  usual: 'not_written' | 'unknown' = 'not_written',
): Problem {
  const problem = error instanceof Problem ? error : new Problem('internal_error', { cause: error })
  const { options } = problem
  const outcome = options.outcome ?? (error instanceof Problem ? usual : 'unknown')
  return new Problem(problem.code, {
    ...options,
    outcome,
    extra: { ...options.extra, ...(id === undefined ? {} : { id }) },
  })
}
