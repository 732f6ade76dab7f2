import { setTimeout as pause } from 'node:timers/promises'
import { newId } from '../history/record.ts'
import type { SendResult } from '../history/events.ts'
import type { Ledger } from '../history/ledger.ts'

/** What one client is given. */
export interface ClientContext {
  /** Where the balancer is, `http://host:port`. */
  readonly url: string
  readonly topics: readonly string[]
  /** Set apart from every other client of the run; without a hyphen. */
  readonly name: string
  /** What groups of the run begin with. */
  readonly run: string
  /** Between two operations, ms. */
  readonly paceMs: number
  readonly random: () => number
  /** Aborted when it is to come to its end: what is under way is brought to its own. */
  readonly over: AbortSignal
  readonly ledger: Ledger
}

/** A client of one kind, which goes on until it is told to end. */
export type Client = (context: ClientContext) => Promise<void>

/** Before a client tries again what has failed, ms. */
export const RETRY_MS = 100

/** Waits about as long as its pace is, or until it is over. */
export async function rest({ paceMs, random, over }: ClientContext, least = 0): Promise<void> {
  await pause(Math.max(least, paceMs * (0.5 + random())), undefined, { signal: over }).catch(() => {})
}

/** The result of one record as every route has it. */
export interface ResultJson {
  readonly partition?: number
  readonly offset?: number | null
  readonly error?: { readonly code: string; readonly outcome: 'not_written' | 'unknown' }
}

/** A result as it is remembered; where there is none, nothing is known of the record. */
export function resultOf(result: ResultJson | undefined): SendResult {
  if (result?.error !== undefined) return { outcome: result.error.outcome, code: result.error.code }
  if (result?.partition === undefined) return { outcome: 'unknown', code: 'no_answer' }
  return { outcome: 'written', partition: result.partition, offset: result.offset ?? null }
}

/** New records, each with its topic. */
export class Source {
  readonly #name: string
  readonly #topics: readonly string[]
  #n = 0
  #turn = 0

  constructor({ name, topics }: Pick<ClientContext, 'name' | 'topics'>) {
    this.#name = name
    this.#topics = topics
  }

  /** So many of one topic; the next call is of the next. */
  ofOne(size: number): [topic: string, id: string][] {
    const topic = this.#topics[this.#turn++ % this.#topics.length]!
    return Array.from({ length: size }, () => [topic, newId(this.#name, this.#n++)])
  }

  /** So many, spread over the topics. */
  ofAll(size: number): [topic: string, id: string][] {
    return Array.from({ length: size }, () => this.ofOne(1)[0]!)
  }
}
