import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { onTestFinished } from 'vitest'
import { breaches } from './contract.ts'

/** One line of the answer to a stream. */
export interface StreamLine {
  readonly index?: number
  readonly partition?: number
  readonly offset?: number
  readonly error?: { code: string; detail: string; outcome: string; retryable: boolean }
  readonly omitted?: { from: number; to: number; written: number; notWritten: number; unknown: number }
  readonly summary?: { records: number; written: number; notWritten: number; unknown: number }
}

/** A produce of NDJSON that is under way: sent and read at once. Each line read is held against openapi.yaml. */
export class RecordStreamClient {
  readonly outgoing: ClientRequest
  readonly lines: StreamLine[] = []
  readonly #answer: Promise<IncomingMessage>
  #done: Promise<void> | undefined

  constructor({ url }: { readonly url: string }, topic: string, query = '') {
    const headers = { 'content-type': 'application/x-ndjson' }
    this.outgoing = request(`${url}/v1/topics/${topic}/records${query}`, { method: 'POST', headers })
    this.#answer = once(this.outgoing, 'response').then(([incoming]) => incoming as IncomingMessage)
    this.#answer.catch(() => {})
    this.outgoing.on('error', () => {})
    onTestFinished(() => void this.outgoing.destroy())
  }

  /** Sends lines, waiting where the gateway does not take them. */
  async send(...lines: (object | string)[]): Promise<void> {
    const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
    if (!this.outgoing.write(text)) await once(this.outgoing, 'drain')
  }

  /** Begins to read the answer; resolves when it has ended. */
  read(): Promise<void> {
    this.#done ??= this.#read()
    return this.#done
  }

  async #read(): Promise<void> {
    const incoming = await this.#answer
    const headers = new Headers(Object.entries(incoming.headersDistinct).map(([k, v]) => [k, v!.join()]))
    const { pathname } = new URL(this.outgoing.path, 'http://gateway')
    const hold = (bytes: Buffer) => {
      const found = breaches({ method: 'POST', pathname, status: incoming.statusCode!, headers, bytes })
      if (found.length > 0) throw new Error(`${found.join('; ')}: ${bytes.toString().slice(0, 1_000)}`)
    }
    let rest = ''
    for await (const chunk of incoming.setEncoding('utf8')) {
      const lines = (rest + (chunk as string)).split('\n')
      rest = lines.pop()!
      if (this.lines.length < 1_000) hold(Buffer.from(lines.join('\n')))
      for (const line of lines) this.lines.push(JSON.parse(line) as StreamLine)
    }
  }

  /** Sends the end of the body, and resolves with the whole answer. */
  async finish(): Promise<StreamLine[]> {
    this.outgoing.end()
    await this.read()
    return this.lines
  }
}

/** The lines of an answer's text, without what frames them. */
export function linesOf(text: string): StreamLine[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as StreamLine)
}
