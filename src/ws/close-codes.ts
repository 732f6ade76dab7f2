import { problems } from '../problems/problems.ts'

/** One way in which a socket is closed. */
export interface CloseCode {
  readonly code: number
  /** The problem that it stands for, where it stands for one. */
  readonly problem?: string
  readonly meaning: string
}

export const CLOSE_DONE = 1000
export const CLOSE_UNSUPPORTED_DATA = 1003
/** RFC 6455, section 7.4.1: a message that breaks a rule of ours. */
export const CLOSE_POLICY = 1008
/** Of a connection that ended without a close frame; never sent (RFC 6455, section 7.1.5). */
export const CLOSE_LOST = 1006
/** For whatever ends a socket without a code of its own, and will again. */
export const CLOSE_BAD_CLIENT = 4400
/** The same where another try may help. */
export const CLOSE_TRY_AGAIN = 4500
export const CLOSE_DRAINING = 4503

/** Whether a client that is closed with this code of ours is to connect again. */
export function mayComeBack(code: number): boolean {
  return code >= CLOSE_TRY_AGAIN
}

/** With these a client says that it is done: also a close frame that holds no code. */
export const GOODBYES: ReadonlySet<number> = new Set([1000, 1001, 1005])

/** RFC 6455, section 7.4.1: what the gateway itself sends of it. Whoever closes first gets the own code back. */
const protocol: readonly CloseCode[] = [
  { code: CLOSE_DONE, meaning: 'The subscription has come to the end that it asked for.' },
  { code: 1002, meaning: 'The client broke the WebSocket protocol.' },
  { code: CLOSE_UNSUPPORTED_DATA, meaning: 'A binary frame came; all messages are text.' },
  { code: 1007, meaning: 'A message was not UTF-8.' },
  {
    code: CLOSE_POLICY,
    meaning: 'A message came in too many fragments, or took longer than SLUICE_WS_MESSAGE_MS to come.',
  },
  { code: 1009, meaning: 'A message was larger than SLUICE_WS_MAX_MESSAGE_BYTES.' },
]

const own: readonly CloseCode[] = [
  {
    code: CLOSE_BAD_CLIENT,
    meaning: 'Too many messages that could not be understood, or a problem without a code of its own.',
  },
  { code: CLOSE_TRY_AGAIN, meaning: 'A passing problem without a code of its own.' },
]

/** Every close code that the gateway sends, in order. */
export function closeCodes(): CloseCode[] {
  const ofProblems = Object.entries(problems).flatMap(([problem, row]): CloseCode[] =>
    'close' in row ? [{ code: row.close, problem, meaning: `${row.title}.` }] : [],
  )
  return [...protocol, ...own, ...ofProblems].sort((a, b) => a.code - b.code)
}
