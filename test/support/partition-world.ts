import fc from 'fast-check'
import { KafkaCode } from '../../src/kafka/errors.ts'
import { PartitionQueue } from '../../src/kafka/writer/partition-queue.ts'
import type { ProducerIdentity } from '../../src/kafka/writer/producer-ids.ts'
import type { Batch } from '../../src/kafka/writer/record-list.ts'
import { type RecordResult, WriteRequest } from '../../src/kafka/writer/write-request.ts'
import { failed, PartitionLog } from './partition-log.ts'

/** How long a record may wait for its outcome, in ticks. */
const DEADLINE = 12

/** One thing that happens. */
export type Step =
  | { kind: 'push'; records: number; patience: number }
  /** A request goes out and the broker answers it. */
  | { kind: 'exchange'; duplicateCode: boolean }
  /** A request goes out, the broker appends it, and the answer is lost. */
  | { kind: 'answer lost' }
  /** A request goes out, is believed lost, and may arrive later. */
  | { kind: 'request lost' }
  /** A request goes out and stays under way while other things happen. */
  | { kind: 'request hangs' }
  | { kind: 'hanging request is answered' | 'hanging request is lost' }
  /** A request lost earlier arrives at last. */
  | { kind: 'zombie'; which: number }
  /** The broker answers with an error, having appended the batch where it can have. */
  | { kind: 'error'; code: number; appends: boolean }
  | { kind: 'limit'; maxRecords: number }
  | { kind: 'forbid'; which: number }
  | { kind: 'time'; ticks: number }
  | { kind: 'producer forgotten' }

/** A broker that says DUPLICATE_SEQUENCE_NUMBER has the batch: `exchange` answers it. */
const truthful = new Set<number>([KafkaCode.NONE, KafkaCode.DUPLICATE_SEQUENCE_NUMBER])
const codes = Object.values(KafkaCode).filter((code) => !truthful.has(code))
export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('push'),
      records: fc.integer({ min: 1, max: 4 }),
      patience: fc.integer({ min: 1, max: DEADLINE }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('exchange'), duplicateCode: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'answer lost',
        'request lost',
        'request hangs',
        'hanging request is answered',
        'hanging request is lost',
        'producer forgotten',
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('zombie'), which: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('error'),
      code: fc.oneof(fc.constantFrom(...codes), fc.constant(12_345)),
      appends: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('limit'), maxRecords: fc.constantFrom(1, 2, 3, 100) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forbid'), which: fc.nat(8) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('time'), ticks: fc.integer({ min: 1, max: 8 }) }) },
) as fc.Arbitrary<Step>

/**
 * What Kafka answers before it appends (`UnifiedLog.append`, `Partition.appendRecordsToLeader`, `KafkaApis`): after any
 * other error the batch may be in the log. Written down apart from the writer's own table, which it holds.
 */
const beforeAppend = new Set<number>([
  KafkaCode.CORRUPT_MESSAGE,
  KafkaCode.UNKNOWN_TOPIC_OR_PARTITION,
  KafkaCode.MESSAGE_TOO_LARGE,
  KafkaCode.INVALID_TOPIC_EXCEPTION,
  KafkaCode.RECORD_LIST_TOO_LARGE,
  KafkaCode.NOT_ENOUGH_REPLICAS,
  KafkaCode.TOPIC_AUTHORIZATION_FAILED,
  KafkaCode.CLUSTER_AUTHORIZATION_FAILED,
  KafkaCode.INVALID_TIMESTAMP,
  KafkaCode.POLICY_VIOLATION,
  KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  KafkaCode.INVALID_PRODUCER_EPOCH,
  KafkaCode.UNKNOWN_PRODUCER_ID,
  KafkaCode.FENCED_LEADER_EPOCH,
  KafkaCode.INVALID_RECORD,
  KafkaCode.PRODUCER_FENCED,
])

function hold(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}

/** A queue, its broker, and what went wrong between them. */
export class PartitionWorld {
  readonly log = new PartitionLog()
  readonly queue: PartitionQueue
  readonly outcomes = new Map<string, RecordResult[]>()
  readonly deadlines = new Map<string, number>()
  #now = 0
  #id = 0n
  #identity: ProducerIdentity = { producerId: 0n, producerEpoch: 0 }
  #hanging: Batch | undefined
  readonly #lost: Buffer[] = []

  constructor(firstSequence: number) {
    this.queue = new PartitionQueue('t', 0, { firstSequence })
  }

  /** What the writer does before it sends: the batch, or undefined where there is none to send. */
  #take(): Batch | undefined {
    if (!this.queue.hasWork || this.queue.inFlight) return undefined
    if (!this.queue.accepts(this.#identity)) {
      this.#identity = { producerId: ++this.#id, producerEpoch: 0 }
      hold(this.queue.accepts(this.#identity), 'a new producer id is not accepted')
    }
    const batch = this.queue.take(this.#identity)
    hold(batch.records.length > 0, 'an empty batch')
    return batch
  }

  run(step: Step): void {
    switch (step.kind) {
      case 'push':
        return this.#push(step.records, step.patience)
      case 'time':
        return this.#pass(step.ticks)
      case 'limit':
        this.log.maxRecords = step.maxRecords
        return
      case 'forbid':
        this.log.forbidden.add([...this.deadlines.keys()].at(-1 - step.which) ?? '')
        return
      case 'zombie':
        for (const bytes of this.#lost.splice(step.which, 1)) this.log.append(bytes)
        return
      case 'producer forgotten':
        // Kafka keeps a producer for a day: while one of its batches is in doubt it is remembered.
        if (this.#hanging === undefined && this.#lost.length === 0 && !this.queue.inDoubt) this.log.forget()
        return
      case 'hanging request is answered':
      case 'hanging request is lost': {
        const batch = this.#hanging
        if (batch === undefined) return
        this.#hanging = undefined
        if (step.kind === 'hanging request is answered')
          this.queue.answer(batch, this.log.append(batch.bytes))
        else this.#lose(batch)
        return
      }
    }
    const batch = this.#take()
    if (batch === undefined) return
    switch (step.kind) {
      case 'exchange': {
        const before = this.log.values.length
        const result = this.log.append(batch.bytes)
        const duplicate = result.errorCode === KafkaCode.NONE && this.log.values.length === before
        const code = KafkaCode.DUPLICATE_SEQUENCE_NUMBER
        this.queue.answer(batch, duplicate && step.duplicateCode ? failed(code) : result)
        return
      }
      case 'answer lost':
        this.log.append(batch.bytes)
        this.queue.unanswered(batch, new Error('cut'))
        return
      case 'request lost':
        return this.#lose(batch)
      case 'request hangs':
        this.#hanging = batch
        return
      case 'error':
        if (step.appends && !beforeAppend.has(step.code)) this.log.append(batch.bytes)
        this.queue.answer(batch, failed(step.code))
        return
    }
  }

  #push(records: number, patience: number): void {
    const names = Array.from({ length: records }, (_, i) => `r${this.deadlines.size + i}`)
    const request = new WriteRequest(records, (results) => {
      results.forEach((result, i) => this.outcomes.get(names[i]!)!.push(result))
    })
    names.forEach((name, index) => {
      const deadline = this.#now + patience
      this.deadlines.set(name, deadline)
      this.outcomes.set(name, [])
      const record = { key: null, value: Buffer.from(name), headers: [], timestamp: 0 }
      this.queue.push({ record, size: 100, deadline, request, index, settled: false }, this.#now)
    })
  }

  #lose(batch: Batch): void {
    this.#lost.push(batch.bytes)
    this.queue.unanswered(batch, new Error('cut'))
  }

  #pass(ticks: number): void {
    this.#now += ticks
    this.queue.expire(this.#now)
    for (const [name, deadline] of this.deadlines) {
      const { length } = this.outcomes.get(name)!
      hold(deadline > this.#now || length === 1, `${name} has ${length} outcomes at its deadline`)
    }
  }

  /** Lets everything come to its end: zombies arrive, time runs out. */
  finish(): void {
    while (this.#lost.length > 0) this.run({ kind: 'zombie', which: 0 })
    if (this.#hanging !== undefined) this.run({ kind: 'hanging request is answered' })
    this.#pass(DEADLINE)
    while (this.#lost.length > 0) this.run({ kind: 'zombie', which: 0 })
    hold(!this.queue.hasWork, 'work is left')
  }

  check(): void {
    const places = new Map<string, number[]>()
    this.log.values.forEach((value, offset) => places.set(value, [...(places.get(value) ?? []), offset]))
    let last = -1
    for (const [name, results] of this.outcomes) {
      hold(results.length === 1, `${name} has ${results.length} outcomes`)
      const result = results[0]!
      const found = places.get(name) ?? []
      const what = `${name}, ${result.outcome}, is in the log at [${found.join()}]`
      if (result.outcome !== 'written') {
        hold(found.length <= (result.outcome === 'unknown' ? 1 : 0), what)
        continue
      }
      const [at = -1] = found
      hold(found.length === 1, what)
      hold(result.offset === null || result.offset === at, `${what} and said to be at ${result.offset}`)
      hold(at > last, `${what}, before a record that was sent earlier`)
      last = at
    }
  }
}
