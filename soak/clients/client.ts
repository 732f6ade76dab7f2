import type { Told } from '../history.ts'

/** What one client is given. */
export interface ClientContext {
  /** The addresses of the gateways; clients turn to another one when theirs fails. */
  readonly urls: readonly string[]
  readonly topics: readonly string[]
  /** Set apart from every other client of the run. */
  readonly name: string
  /** Aborted when the run is over: what is under way is brought to its end. */
  readonly over: AbortSignal
  tell(told: Told): void
}

/** A client of one route, which writes until the run is over. */
export type Client = (context: ClientContext) => Promise<void>

/** The result of one record as every route has it. */
export interface ResultJson {
  readonly partition?: number
  readonly offset?: number | null
  readonly error?: { readonly code: string; readonly outcome: 'not_written' | 'unknown' }
}

/** Turns through the gateways. */
export class Turn {
  readonly #urls: readonly string[]
  #at = Math.floor(Math.random() * 1_000)

  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  get url(): string {
    return this.#urls[this.#at % this.#urls.length]!
  }

  next(): void {
    this.#at++
  }
}

/** A result as it is remembered; where there is none, nothing is known of the record. */
export function outcomeOf(
  result: ResultJson | undefined,
): Pick<Told, 'outcome' | 'code' | 'partition' | 'offset'> {
  if (result?.error !== undefined) return { outcome: result.error.outcome, code: result.error.code }
  if (result?.partition === undefined) return { outcome: 'unknown', code: 'no_answer' }
  return { outcome: 'written', partition: result.partition, offset: result.offset ?? null }
}

/** How long a client waits for an answer: longer than any gateway may take, ms. */
export const ANSWER_MS = 30_000

/** Posts JSON and reads the JSON of the answer; undefined where none came, which says nothing of what was done. */
export async function postJson<T>(
  url: string,
  body: object,
): Promise<{ readonly status: number; readonly ok: boolean; readonly json: T } | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    return { status: response.status, ok: response.ok, json: (await response.json()) as T }
  } catch {
    return undefined
  }
}
