import { readFileSync, statSync } from 'node:fs'

/** Between two looks at a file, ms. A look costs microseconds; file system events are lost on network and mapped volumes. */
const INTERVAL_MS = 1_000

interface FileLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A file, and whether it has changed and was taken up, or was not since it can't be used. */
export interface Look {
  readonly file: string
  readonly became: 'unchanged' | 'taken' | 'refused'
}

/** Looks by what the files came to, for the log. */
export function summaryOf(looks: readonly Look[]): Readonly<Record<Look['became'], readonly string[]>> {
  const of = (which: Look['became']) => looks.filter(({ became }) => became === which).map(({ file }) => file)
  return { taken: of('taken'), refused: of('refused'), unchanged: of('unchanged') }
}

/**
 * A file whose contents count as long as the process runs, and are taken up anew when it changes. One that can't be used
 * any more is reported, and what was there before goes on to count.
 */
export class WatchedFile<T> {
  readonly #path: string
  readonly #parse: (text: string) => T
  readonly #changed: (value: T) => void
  readonly #log: FileLog
  #seen: string
  #isRefused = false
  readonly #timer: NodeJS.Timeout

  /** @throws what reading or `parse` throws, the first time */
  constructor(path: string, parse: (text: string) => T, changed: (value: T) => void, log: FileLog) {
    this.#path = path
    this.#parse = parse
    this.#changed = changed
    this.#log = log
    this.#seen = signatureOf(path)
    changed(parse(readFileSync(path, 'utf8')))
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS).unref()
  }

  /** Looks now, also once more at what could not be used, and says what counts. */
  look(): Look {
    if (this.#isRefused) this.#seen = ''
    const isTaken = this.#look()
    return { file: this.#path, became: this.#isRefused ? 'refused' : isTaken ? 'taken' : 'unchanged' }
  }

  /** Whether it took up something new. */
  #look(): boolean {
    let seen = ''
    try {
      seen = signatureOf(this.#path)
      if (seen === this.#seen) return false
      const value = this.#parse(readFileSync(this.#path, 'utf8'))
      this.#changed(value)
      this.#isRefused = false
      this.#seen = seen
      this.#log.info({ file: this.#path }, 'took up a changed file')
      return true
    } catch (error) {
      if (seen === this.#seen && this.#isRefused) return false
      this.#isRefused = true
      this.#seen = seen
      this.#log.error(
        { file: this.#path, error },
        'could not take up a changed file; what was in it goes on to count',
      )
      return false
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/** Changes whenever the file does. Follows links, as Kubernetes replaces mounted files by them. */
function signatureOf(path: string): string {
  const { mtimeMs, size, ino, ctimeMs } = statSync(path)
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
}
