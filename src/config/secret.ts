import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'

/**
 * A password or the like: a text, or a file that holds it and may be replaced at any time. It has no text of its own to
 * print, so that a configuration that is logged whole gives nothing away.
 */
export class Secret {
  readonly #text: string | undefined
  readonly #file: string | undefined

  private constructor(text: string | undefined, file: string | undefined) {
    this.#text = text
    this.#file = file
  }

  static of(text: string): Secret {
    return new Secret(text, undefined)
  }

  /** Read anew each time it is used, without the end of its last line: editors and `echo` write one. */
  static inFile(path: string): Secret {
    return new Secret(undefined, path)
  }

  /** @throws Error where the file cannot be read or holds nothing; it names the file */
  async read(): Promise<string> {
    return this.#text ?? this.#line(await readFile(this.#file!, 'utf8'))
  }

  /**
   * As read(), for the start.
   * @throws as read()
   */
  readSync(): string {
    return this.#text ?? this.#line(readFileSync(this.#file!, 'utf8'))
  }

  #line(content: string): string {
    const text = content.replace(/\r?\n$/, '')
    if (text === '') throw new Error(`${this.#file} is empty`)
    return text
  }

  toJSON(): string {
    return '[secret]'
  }
}
