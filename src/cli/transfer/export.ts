import { createWriteStream, type WriteStream } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { LineSplitter } from '../../records/line-splitter.ts'
import type { Context } from '../context.ts'
import { CommandError, exitCodes, GatewayError, type ProblemDocument, UsageError } from '../errors.ts'
import type { Query } from '../gateway-client.ts'
import { Progress } from '../output/progress.ts'
import { bytesText, countText, parseCount, plural } from '../output/quantities.ts'
import { write } from '../output/stdout.ts'
import { topicPath } from '../pages.ts'
import { position } from '../positions.ts'
import { recordCount, type TopicDocument } from '../topics/documents.ts'

/** The longest line, bytes: base64 of the largest record a broker takes by far. */
const MAX_LINE_BYTES = 512 * 1024 * 1024
/** A connection that breaks is made again for so long, ms; and so often, ms. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 500
const cursorMember = Buffer.from(',"cursor":"')
const recordStart = Buffer.from('{"topic":')
const endOfLine = Buffer.from('}\n')

export interface ExportOptions {
  readonly output?: string
  readonly from?: string
  readonly until?: string
  readonly partition?: string
  readonly key?: string
  readonly header?: readonly string[]
  readonly isolation?: string
}

/** `sluice export`: a topic as NDJSON, a record a line; it goes on by itself after a connection that breaks. */
export async function exportTopic(context: Context, options: ExportOptions, topic: string): Promise<void> {
  const { from = 'earliest', until = 'latest', partition, key, header, isolation, output } = options
  const query: Query = {
    until: position(until, '--until'),
    partition: partition === undefined ? undefined : parseCount(partition, '--partition'),
    key,
    header: header?.map((text) => (text.includes(':') ? text : text.replace('=', ':'))),
    isolation,
  }
  const { body } = await context.gateway.json<TopicDocument>('GET', topicPath(topic))
  // A share can be told where everything is exported.
  const total =
    options.from === undefined && options.until === undefined && partition === undefined
      ? recordCount(body)
      : undefined
  const target = await Target.open(output)
  const work = new Export(context, topic, query, target)
  const progress = new Progress(!context.quiet && !(output === undefined && process.stdout.isTTY === true))
  const began = performance.now()
  progress.start(() => work.howFar(total, performance.now() - began))
  try {
    await work.run(position(from, '--from'))
    await target.close()
  } finally {
    progress.end()
  }
  if (output !== undefined)
    context.say(`Wrote ${plural(work.records, 'record')}, ${bytesText(work.bytes)}, to ${output}.`)
}

class Export {
  readonly #context: Context
  readonly #topic: string
  readonly #query: Query
  readonly #target: Target
  #cursor: string | undefined
  records = 0
  bytes = 0

  constructor(context: Context, topic: string, query: Query, target: Target) {
    this.#context = context
    this.#topic = topic
    this.#query = query
    this.#target = target
  }

  howFar(total: number | undefined, ms: number): string {
    const share =
      total === undefined || total === 0
        ? ''
        : ` (${Math.min(100, Math.floor((this.records / total) * 100))}%)`
    return `${plural(this.records, 'record')}${share}, ${bytesText(this.bytes)}, ${countText(Math.round(this.records / (ms / 1000)))}/s`
  }

  /** @throws CommandError where it cannot go on */
  async run(from: string): Promise<void> {
    let lastProgress = performance.now()
    for (let isFirst = true; ; isFirst = false) {
      const before = this.records
      try {
        if (await this.#read(this.#cursor === undefined ? { from } : { cursor: this.#cursor })) return
      } catch (error) {
        const mayPass = error instanceof CommandError && error.exitCode === exitCodes.unavailable
        if (isFirst || !mayPass || performance.now() - lastProgress > PATIENCE_MS) throw error
      }
      if (this.records > before) lastProgress = performance.now()
      this.#context.say('sluice: the connection was lost; connecting again.')
      await pause(PAUSE_MS)
    }
  }

  /** One request; whether it came to the end. */
  async #read(start: Query): Promise<boolean> {
    const { gateway } = this.#context
    const request = gateway.open('GET', topicPath(this.#topic, '/records'), {
      query: { ...this.#query, ...start },
      headers: { accept: 'application/x-ndjson, application/problem+json' },
    })
    request.end()
    const incoming = await gateway.answer(request)
    const splitter = new LineSplitter(MAX_LINE_BYTES)
    let end: EndLine | undefined
    try {
      for await (const piece of incoming) {
        const out: Buffer[] = []
        splitter.push(piece as Buffer, (line) => {
          if (line?.subarray(0, recordStart.length).equals(recordStart) === true) this.#take(line, out)
          else if (line !== undefined) end = JSON.parse(line.toString('utf8')) as EndLine
        })
        if (out.length === 0) continue
        const lines = Buffer.concat(out)
        await this.#target.write(lines)
        this.bytes += lines.length
      }
    } catch (error) {
      // Whatever writes failed has its own reason; what reads may be read again.
      if (error instanceof CommandError || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
      return false
    }
    if (end?.error === undefined) return end !== undefined
    if (end.error.retryable !== true) throw new GatewayError(end.error)
    return false
  }

  /** A record without its cursor, which goes on from here and nowhere else. */
  #take(line: Buffer, out: Buffer[]): void {
    const at = line.lastIndexOf(cursorMember)
    this.#cursor = line.toString('latin1', at + cursorMember.length, line.length - 2)
    this.records++
    out.push(line.subarray(0, at), endOfLine)
  }
}

interface EndLine {
  readonly caughtUp?: boolean
  readonly error?: ProblemDocument
}

/** Where it is written: a file, or standard output. */
class Target {
  readonly #file: WriteStream | undefined

  private constructor(file: WriteStream | undefined) {
    this.#file = file
  }

  /** @throws UsageError */
  static async open(path: string | undefined): Promise<Target> {
    if (path === undefined || path === '-') return new Target(undefined)
    const file = createWriteStream(path)
    await new Promise((resolve, reject) => {
      file.once('open', resolve)
      file.once('error', (error) => reject(new UsageError(`${path} cannot be written: ${error.message}`)))
    })
    return new Target(file)
  }

  write(bytes: Buffer): Promise<void> {
    const file = this.#file
    if (file === undefined) return write(bytes)
    return new Promise((resolve, reject) => {
      file.write(bytes, (error) => {
        if (error) reject(new CommandError(exitCodes.failed, `the file cannot be written: ${error.message}`))
        else resolve()
      })
    })
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#file === undefined) resolve()
      else this.#file.end(() => resolve())
    })
  }
}
