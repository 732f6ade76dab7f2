import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Secret } from './secret.ts'

/** The PEM files of one side of TLS connections. */
export interface TlsPaths {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** What the key is encrypted with. */
  readonly keyPassword?: Secret
}

interface Contents {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly passphrase?: string
}

/**
 * TLS files that may be replaced while the process runs: connections opened after that use the new ones. Files that do
 * not fit together, as while only one of two has been replaced, leave the last that did in use.
 */
export class TlsFiles {
  readonly #paths: TlsPaths
  readonly #onTrouble: (error: unknown) => void
  #contents: Contents | undefined
  #context: SecureContext | undefined
  #troubled = false

  /** @param onTrouble is told once why files that were replaced are not used, and again after they were */
  constructor(paths: TlsPaths, onTrouble: (error: unknown) => void = () => {}) {
    this.#paths = paths
    this.#onTrouble = onTrouble
  }

  /**
   * For the next connection. The files are read each time: they are small, and connections are few.
   * @throws Error where the files have never been readable, PEM and fitting together
   */
  async context(): Promise<SecureContext> {
    try {
      const contents = await this.#read()
      if (this.#context === undefined || !same(contents, this.#contents)) {
        this.#context = contextOf(contents)
        this.#contents = contents
      }
      this.#troubled = false
    } catch (error) {
      if (this.#context === undefined) throw error
      if (!this.#troubled) this.#onTrouble(error)
      this.#troubled = true
    }
    return this.#context
  }

  async #read(): Promise<Contents> {
    const { ca, cert, key, keyPassword } = this.#paths
    const read = (path: string | undefined) => (path === undefined ? undefined : readFile(path))
    const [caPem, certPem, keyPem, passphrase] = await Promise.all([
      read(ca),
      read(cert),
      read(key),
      keyPassword?.read(),
    ])
    return {
      ...(caPem && { ca: caPem }),
      ...(certPem && { cert: certPem }),
      ...(keyPem && { key: keyPem }),
      ...(passphrase !== undefined && { passphrase }),
    }
  }
}

/** @throws Error where they are not PEM or do not fit together */
export function contextOf(contents: Contents): SecureContext {
  // A file of authorities with none in it is taken for an empty list: say so now, not at the first connection.
  if (contents.ca !== undefined) new X509Certificate(contents.ca)
  return createSecureContext(contents)
}

/** The certificates in a PEM file, in its order. @throws Error where one is none, or there is none */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END[^-]+-----/g)
  return blocks === null ? [new X509Certificate(pem)] : blocks.map((block) => new X509Certificate(block))
}

function same(a: Contents, b: Contents | undefined): boolean {
  const equal = (x?: Buffer, y?: Buffer) => (x === undefined ? y === undefined : y?.equals(x) === true)
  return (
    b !== undefined &&
    equal(a.ca, b.ca) &&
    equal(a.cert, b.cert) &&
    equal(a.key, b.key) &&
    a.passphrase === b.passphrase
  )
}
