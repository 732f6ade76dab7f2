/** More of an answer is not read, bytes. */
const MOST_BYTES = 1_048_576
const TIMEOUT_MS = 4_000

export interface ServiceAnswer {
  readonly status: number
  readonly text: string
  /** How far its `Date` is ahead of this machine's clock, ms, to the second; undefined where it has none. */
  readonly aheadMs: number | undefined
}

/** Asks another service, without the user and password that its URL may have. @throws Error where no answer comes */
export async function askService(url: string, init: RequestInit = {}): Promise<ServiceAnswer> {
  const bare = Object.assign(new URL(url), { username: '', password: '' })
  const since = Date.now()
  const answer = await fetch(bare, { redirect: 'error', ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
  const now = (since + Date.now()) / 2
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of answer.body ?? []) {
    pieces.push(piece)
    if ((size += piece.length) > MOST_BYTES) break
  }
  // A Date is cut to the second: the moment it names is half a second ago, give or take as much.
  const date = Date.parse(answer.headers.get('date') ?? '') + 500
  return {
    status: answer.status,
    text: Buffer.concat(pieces).toString('utf8'),
    aheadMs: Number.isNaN(date) ? undefined : date - now,
  }
}

/** Why there was no answer, in a word or two, which fetch keeps in the cause. Its own messages name URLs. */
export function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'no answer in time'
  const { cause } = error as { cause?: NodeJS.ErrnoException }
  return cause?.code ?? 'no answer that can be used'
}

/** A URL as it may be shown: without user, password and query. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}
