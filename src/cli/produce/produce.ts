import { createReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Context } from '../context.ts'
import { CommandError, exitCodes, problemText, UsageError } from '../errors.ts'
import { hintFor } from '../hints.ts'
import { Progress } from '../output/progress.ts'
import { bytesText, countText, parseCount, plural } from '../output/quantities.ts'
import { write } from '../output/stdout.ts'
import { LineEncoder, type LineForm } from './encode-lines.ts'
import { type Failure, RecordStream, type StreamOutcome } from './record-stream.ts'

/** So many lines that were not written are told one by one; the others are counted. */
const MAX_TOLD = 20

export interface ProduceOptions {
  readonly keySeparator?: string
  readonly key?: string
  readonly nullValue?: string
  readonly header?: readonly string[]
  readonly partition?: string
  readonly timestamp?: string
  readonly file?: string
  readonly acks?: string
  readonly tee?: boolean
}

/** `sluice produce`: a line a record, from standard input or a file, as they come. */
export function produce(context: Context, options: ProduceOptions, topic: string): Promise<void> {
  return produceLines(context, formOf(options, context.json), options, topic)
}

/** What lines are read, and how they are written. */
export interface SourceOptions {
  /** Standard input where it is none. */
  readonly file?: string | undefined
  readonly acks?: string | undefined
  readonly tee?: boolean
}

/** Writes lines of a form as records. */
export async function produceLines(
  context: Context,
  form: LineForm,
  options: SourceOptions,
  topic: string,
): Promise<void> {
  const source = open(options.file)
  if (source.isTerminal) context.say('Each line is a record; Ctrl-D ends.')
  await new Production(context, topic, form, options).run(source)
}

interface Source {
  readonly input: Readable
  readonly isTerminal: boolean
  /** Bytes; undefined where it has no end yet. */
  readonly size: number | undefined
}

class Production {
  readonly #context: Context
  readonly #encoder: LineEncoder
  readonly #stream: RecordStream
  readonly #tee: boolean
  readonly #progress: Progress
  #told = 0
  /** Lines that were never sent: they cannot be records. */
  #unsent = 0

  constructor(context: Context, topic: string, form: LineForm, { acks, tee = false }: SourceOptions) {
    this.#context = context
    this.#tee = tee
    this.#encoder = new LineEncoder(form, {
      tooLong: (line) => this.#refuse(line, 'it is longer than a record can be'),
      noSeparator: (line) =>
        this.#refuse(line, `there is no ${JSON.stringify(form.keySeparator)} after a key`),
    })
    this.#progress = new Progress(!context.quiet)
    this.#stream = new RecordStream(context.gateway, topic, { acks }, (failure) => this.#failed(failure))
  }

  async run({ input, isTerminal, size }: Source): Promise<void> {
    // A topic that is not there is said before anybody has typed a line.
    this.#stream.outcome.then(
      () => input.destroy(),
      () => input.destroy(),
    )
    let interrupted = false
    const onInterrupt = () => {
      interrupted = true
      input.destroy()
    }
    process.once('SIGINT', onInterrupt)
    const before = performance.now()
    let bytes = 0
    if (!isTerminal) this.#progress.start(() => this.#howFar(bytes, size, performance.now() - before))
    try {
      for await (const chunk of input) {
        bytes += (chunk as Buffer).length
        if (this.#tee) await write(chunk as Buffer)
        const records = this.#encoder.push(chunk as Buffer)
        if (records !== '' && !(await this.#stream.write(records))) break
      }
    } catch (error) {
      // An input that is closed in the middle is how an interrupt and an end of the stream look.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw inputError(error)
    } finally {
      process.off('SIGINT', onInterrupt)
    }
    // Where it was interrupted, the last line may be half of one.
    const last = interrupted ? '' : this.#encoder.end()
    if (last !== '') await this.#stream.write(last)
    const outcome = await this.#stream.end().finally(() => this.#progress.end())
    if (interrupted) process.exitCode = exitCodes.interrupted
    this.#report(outcome)
  }

  #howFar(bytes: number, size: number | undefined, ms: number): string {
    const { answered } = this.#stream
    const part = size === undefined || size === 0 ? '' : ` (${Math.floor((bytes / size) * 100)}%)`
    const rate = countText(Math.round(answered / (ms / 1000)))
    return `${plural(answered, 'record')} written, ${bytesText(bytes)}${part}, ${rate}/s`
  }

  #refuse(line: number, reason: string): void {
    this.#unsent++
    this.#tell(`line ${line} was not sent: ${reason}.`)
  }

  #failed({ index, error }: Failure): void {
    const line = this.#encoder.lineOf(index)
    const what = error.outcome === 'unknown' ? 'may or may not be written' : 'was not written'
    this.#tell(`line ${line} ${what}: ${problemText(error)}.`)
  }

  #tell(sentence: string): void {
    if (++this.#told > MAX_TOLD) return
    this.#progress.end()
    process.stderr.write(`sluice: ${sentence}\n`)
    if (this.#told === MAX_TOLD)
      process.stderr.write('sluice: further lines that are not written are only counted.\n')
  }

  /** @throws CommandError where not every line is a record in the topic now */
  #report(outcome: StreamOutcome): void {
    const { written, unknown, answered, broken, ended } = outcome
    const notWritten = outcome.notWritten + this.#unsent
    const parts = [
      plural(written, 'record'),
      ...(notWritten > 0 ? [`${countText(notWritten)} not written`] : []),
      ...(unknown > 0 ? [`${countText(unknown)} not known to be`] : []),
    ]
    this.#context.say(`Wrote ${parts.join(', ')}.`)
    if (broken !== undefined) {
      const code = written > 0 ? exitCodes.partly : exitCodes.unavailable
      throw new CommandError(code, `${broken.message}: ${this.#howFarKnown(answered)}`)
    }
    if (ended !== undefined) {
      throw new CommandError(
        written > 0 ? exitCodes.partly : exitCodes.unavailable,
        `${problemText(ended)}: nothing after line ${this.#lineBefore(answered)} was written`,
        { hint: hintFor(ended) },
      )
    }
    if (notWritten + unknown > 0) process.exitCode = exitCodes.partly
  }

  #howFarKnown(answered: number): string {
    const { records } = this.#encoder
    const before = this.#lineBefore(answered)
    if (answered === records) return `nothing after line ${before} was sent`
    const [from, to] = [this.#encoder.lineOf(answered), this.#encoder.lineOf(records - 1)]
    return (
      `of lines ${from} to ${to} it is not known whether they are written, nothing after them was sent, ` +
      `and all before them is as said`
    )
  }

  #lineBefore(records: number): number {
    return records === 0 ? 0 : this.#encoder.lineOf(records - 1)
  }
}

/** @throws UsageError */
function formOf(options: ProduceOptions, json: boolean): LineForm {
  const { keySeparator, key, nullValue, header, partition, timestamp } = options
  const form: LineForm = {
    json,
    keySeparator: keySeparator === undefined ? undefined : unescaped(keySeparator),
    key,
    nullValue,
    headers: header?.map(headerOf) ?? [],
    partition: partition === undefined ? undefined : parseCount(partition, '--partition'),
    timestamp: timestamp === undefined ? undefined : parseCount(timestamp, '--timestamp'),
  }
  if (keySeparator === '') throw new UsageError('--key-separator is empty')
  if (keySeparator !== undefined && key !== undefined)
    throw new UsageError('--key and --key-separator are two ways to say the key', 'Give one of them.')
  const others = [keySeparator, key, nullValue, header, partition, timestamp]
  if (json && others.some((value) => value !== undefined))
    throw new UsageError(
      'with --json each line says all of its record itself',
      'Leave out the other options.',
    )
  return form
}

/** @throws UsageError */
function headerOf(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`--header is given as name=value, not ${text}`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** A separator as shells let it be written: `\t`. */
export function unescaped(text: string): string {
  return text.replace(
    /\\(t|n|r|0|\\)/g,
    (_, c: string) => ({ t: '\t', n: '\n', r: '\r', 0: '\0' })[c] ?? '\\',
  )
}

/** @throws CommandError where the file is not there */
function open(file: string | undefined): Source {
  if (file === undefined || file === '-') {
    return { input: process.stdin, isTerminal: process.stdin.isTTY === true, size: undefined }
  }
  try {
    const { size } = statSync(file)
    return { input: createReadStream(file, { highWaterMark: 256 * 1024 }), isTerminal: false, size }
  } catch (error) {
    throw inputError(error)
  }
}

function inputError(error: unknown): CommandError {
  const { code, path, message } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'it may not be read',
    EISDIR: 'it is a folder',
  }
  return new UsageError(`${path ?? 'standard input'}: ${reasons[code ?? ''] ?? message}`)
}
