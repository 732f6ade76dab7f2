import { closeSync, openSync } from 'node:fs'
import { once } from 'node:events'
import type { Logger } from 'pino'
import sonicBoom from 'sonic-boom'

/** One thing that somebody did or was refused. Never what a record holds. */
export interface AuditEntry {
  readonly requestId: string
  readonly principal?: string | undefined
  /** The address that it came from. */
  readonly ip?: string | undefined
  readonly method?: string | undefined
  /** The operationId. */
  readonly operation: string
  /** What it was about, such as `topic:orders`. */
  readonly resource?: string | undefined
  readonly status?: number | undefined
  readonly outcome: string
  /** The code of the problem that it was answered with. */
  readonly code?: string | undefined
  readonly bytes?: number | undefined
  readonly records?: number | undefined
  readonly durationMs?: number | undefined
}

/** What takes the lines; false where it has too many already. */
interface Sink {
  write(line: string): boolean
  reopen(): void
  close(): Promise<void>
}

/** Lines that wait for a disk that is slow or full, bytes. Past it they are dropped and counted. */
const MAX_WAITING_BYTES = 4_194_304
/** What an end of the process waits for the last lines, ms. */
const CLOSE_MS = 1_000
/** The least time between two lines of the log about trouble, ms. */
const WARN_INTERVAL_MS = 10_000
/** Only its owner may read it. */
const FILE_MODE = 0o600

/**
 * Who did what, a line of JSON each, apart from the log. It never keeps a request waiting: what the disk doesn't take is
 * dropped and counted, and the next line that can be written says how many.
 */
export class AuditLog {
  readonly #sink: Sink
  #written = 0
  #dropped = 0
  /** Dropped since a line last said so. */
  #untold = 0

  private constructor(sink: Sink) {
    this.#sink = sink
  }

  /**
   * `target` is the path of a file, which is appended to, or `stdout`.
   * @throws where the file can't be opened
   */
  static open(target: string, log: Pick<Logger, 'error'>): AuditLog {
    return new AuditLog(target === 'stdout' ? toStdout() : toFile(target, log))
  }

  get written(): number {
    return this.#written
  }

  get dropped(): number {
    return this.#dropped
  }

  write(entry: AuditEntry): void {
    if (this.#untold > 0) {
      const told = { requestId: '-', operation: 'auditLog', outcome: 'dropped', records: this.#untold }
      if (!this.#sink.write(lineOf(told))) return this.#drop()
      this.#untold = 0
    }
    if (this.#sink.write(lineOf(entry))) this.#written++
    else this.#drop()
  }

  #drop(): void {
    this.#dropped++
    this.#untold++
  }

  /** Goes on in a new file where the old one was moved away. */
  reopen(): void {
    this.#sink.reopen()
  }

  /** Resolves when the lines are written, or a moment later. */
  close(): Promise<void> {
    return this.#sink.close()
  }
}

function lineOf(entry: AuditEntry): string {
  return `${JSON.stringify({ type: 'audit', ts: new Date().toISOString(), ...entry })}\n`
}

function toStdout(): Sink {
  const { stdout } = process
  // Its reader may go.
  stdout.on('error', () => {})
  return {
    write(line) {
      if (stdout.writableLength > MAX_WAITING_BYTES) return false
      stdout.write(line)
      return true
    },
    reopen: () => {},
    close: () => Promise.resolve(),
  }
}

function toFile(path: string, log: Pick<Logger, 'error'>): Sink {
  // Tried first, so that a gateway which can't keep its audit log doesn't start.
  closeSync(openSync(path, 'a', FILE_MODE))
  const file = new sonicBoom.SonicBoom({
    dest: path,
    append: true,
    mode: FILE_MODE,
    maxLength: MAX_WAITING_BYTES,
  })
  let warnedAt = -Infinity
  let isDropped = false
  file.on('error', (error) => {
    const now = performance.now()
    if (now - warnedAt < WARN_INTERVAL_MS) return
    warnedAt = now
    log.error({ error }, 'the audit log cannot be written')
  })
  file.on('drop', () => (isDropped = true))
  return {
    write(line) {
      isDropped = false
      file.write(line)
      return !isDropped
    },
    reopen: () => file.reopen(),
    async close() {
      const closed = once(file, 'close', { signal: AbortSignal.timeout(CLOSE_MS) }).catch(() =>
        file.destroy(),
      )
      file.end()
      await closed
    },
  }
}
