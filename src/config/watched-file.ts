import { readFileSync, statSync } from 'node:fs'

/** Between two looks at a file, ms. A look costs microseconds; file system events are lost on network and mapped volumes. */
const INTERVAL_MS = 1_000

interface FileLog {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
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

  #look(): void {
    let seen = ''
    try {
      seen = signatureOf(this.#path)
      if (seen === this.#seen) return
      const value = this.#parse(readFileSync(this.#path, 'utf8'))
      this.#changed(value)
      this.#log.info({ file: this.#path }, 'took up a changed file')
    } catch (error) {
      if (seen === this.#seen) return
      this.#log.error(
        { file: this.#path, error },
        'could not take up a changed file; what was in it goes on to count',
      )
    }
    this.#seen = seen
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
