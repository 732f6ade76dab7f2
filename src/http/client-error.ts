import { randomUUID } from 'node:crypto'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { closeLingering, isLingering } from './lingering-close.ts'
import { faultOfOpenRequest } from './open-request.ts'
import { pendingAnswer } from './pending-answer.ts'
import { Problem } from '../problems/problem.ts'
import type { ProblemCode } from '../problems/problems.ts'

const codes: Record<string, ProblemCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'body_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Connections whose fault is answered when the requests before it are. */
const waiting = new WeakSet<Socket>()

/**
 * Bytes that never became a request: answered as a problem where the socket still takes one, and closed.
 * @returns the code of that problem
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): ProblemCode | undefined {
  if (isLingering(socket) || waiting.has(socket) || faultOfOpenRequest(socket, error)) return undefined
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return undefined
  }
  const problem = new Problem(codes[error.code ?? ''] ?? 'bad_request')
  const pending = pendingAnswer(socket)
  if (pending === undefined) writeProblem(socket, problem)
  else {
    waiting.add(socket)
    pending.once('finish', () => writeProblem(socket, problem))
  }
  return problem.code
}

function writeProblem(socket: Socket, problem: Problem): void {
  if (!socket.writable) return
  const requestId = randomUUID()
  const body = JSON.stringify(problem.toDocument(requestId))
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    ...(problem.row.retryable ? ['retry-after: 1'] : []),
    'connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  closeLingering(socket)
}

/** Answers a request that gets no further than the server, and closes: what comes after it on the connection is doubtful. */
export function answerProblem(outgoing: ServerResponse, requestId: string, problem: Problem): void {
  const body = JSON.stringify(problem.toDocument(requestId))
  outgoing.writeHead(problem.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  outgoing.end(body)
}
