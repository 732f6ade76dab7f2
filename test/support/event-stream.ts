import { onTestFinished } from 'vitest'
import { streamEvents } from '../../src/routes/records/stream-events.ts'
import { http } from './http.ts'
import { until } from './until.ts'

/** The end of a block. */
const blank = /\r\n\r\n|\n\n|\r\r/

/** One block of a stream of server-sent events, as the HTML standard reads it. */
export interface EventBlock {
  /** `message` where it has no name. */
  readonly type: string
  readonly id: string | undefined
  /** Undefined for a block that is no event. */
  readonly data: string | undefined
}

export interface StreamedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: unknown
  readonly value: unknown
  readonly [member: string]: unknown
}

/** A reader of a stream of server-sent events, written from the standard. It goes away when the test ends. */
export class EventStream {
  readonly headers: Headers
  readonly blocks: EventBlock[] = []
  comments = 0
  /** Settles when the stream has ended, with whether that was as it should. */
  readonly ended: Promise<'ended' | 'cut'>
  readonly #gone = new AbortController()
  #rest = ''
  #breach: Error | undefined

  private constructor(response: Response, gone: AbortController) {
    this.headers = response.headers
    this.#gone = gone
    this.ended = this.#read(response)
  }

  /** @throws where the answer is no stream, with what it is */
  static async open(
    gateway: { readonly url: string },
    topic: string,
    query: Readonly<Record<string, string>> | URLSearchParams = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<EventStream> {
    const gone = new AbortController()
    const path = `/v1/topics/${topic}/records?${new URLSearchParams(query)}`
    const response = await http(gateway).stream(path, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: gone.signal,
    })
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
    const stream = new EventStream(response, gone)
    onTestFinished(() => stream.close())
    return stream
  }

  async #read(response: Response): Promise<'ended' | 'cut'> {
    const decoder = new TextDecoder()
    try {
      for await (const bytes of response.body!) this.#take(decoder.decode(bytes, { stream: true }))
      return 'ended'
    } catch {
      return 'cut'
    }
  }

  #take(text: string): void {
    // A block of megabytes is not looked through again with every piece of it.
    const isWhole = blank.test(this.#rest.slice(-3) + text)
    if (!isWhole) {
      this.#rest += text
      return
    }
    const blocks = (this.#rest + text).split(blank)
    this.#rest = blocks.pop()!
    for (const block of blocks) this.#block(block)
  }

  #block(text: string): void {
    let type = 'message'
    let id: string | undefined
    let data: string | undefined
    for (const line of text.split(/\r\n|\r|\n/)) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (line.startsWith(':')) this.comments++
      else if (field === 'event') type = value
      else if (field === 'id') id = value
      else if (field === 'data') data = data === undefined ? value : `${data}\n${value}`
      else if (field !== 'retry') throw new Error(`a line that is no field: ${line.slice(0, 200)}`)
    }
    if (id !== undefined || data !== undefined) this.blocks.push({ type, id, data })
    if (data !== undefined) this.#check(type, data)
  }

  /** Holds an event against the schema that it is documented by. */
  #check(type: string, data: string): void {
    try {
      const kind = streamEvents[type]
      if (kind === undefined) throw new Error('no such event')
      kind.data.parse(JSON.parse(data))
    } catch (cause) {
      this.#breach ??= new Error(`not as documented: ${type} ${data.slice(0, 500)}`, { cause })
    }
  }

  /** The events of a name, with their data read as JSON. */
  all(type: string): Record<string, unknown>[] {
    return this.blocks.flatMap((block) =>
      block.type === type && block.data !== undefined
        ? [JSON.parse(block.data) as Record<string, unknown>]
        : [],
    )
  }

  get records(): StreamedRecord[] {
    return this.all('message') as unknown as StreamedRecord[]
  }

  /** What a client would send as Last-Event-ID. */
  get lastId(): string {
    return this.blocks.findLast(({ id }) => id !== undefined)?.id ?? ''
  }

  /** Waits for so many records, and gives them. */
  async received(count: number): Promise<StreamedRecord[]> {
    await until(() => this.records.length >= count)
    return this.records
  }

  /** Waits for an event of this name. */
  async event(type: string): Promise<Record<string, unknown>> {
    await until(() => this.all(type).length > 0)
    return this.all(type)[0]!
  }

  async close(): Promise<void> {
    this.#gone.abort()
    await this.ended
    if (this.#breach !== undefined) throw this.#breach
  }
}
