import type { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SecureContextOptions, Server, TLSSocket, TlsOptions } from 'node:tls'
import type { Logger } from 'pino'
import { type Look, WatchedFile } from '../config/watched-file.ts'
import { ConfigError } from '../config/config.ts'
import type { TlsConfig } from '../auth/auth-config.ts'
import { lookAgain } from '../auth/client-certificate.ts'
import { certificatesIn, contextOf } from '../config/tls-files.ts'

/** How long a connection has to end what it does whose certificate counts no more, where one is required, ms. */
const CUT_MS = 2_000

/**
 * The certificate that the gateway serves HTTPS with, and the authorities of its clients', taken up anew when they change:
 * for open connections, too.
 */
export class ListenerCertificates {
  readonly #config: TlsConfig
  readonly #files: Pick<WatchedFile<unknown>, 'look' | 'close'>[] = []
  #context: SecureContextOptions = {}
  #server: Server | undefined
  readonly #open = new Set<TLSSocket>()
  readonly #withdrawn: () => void

  /**
   * `withdrawn` is called when the certificates of open connections count no more.
   * @throws ConfigError where they can't be used
   */
  constructor(config: TlsConfig, log: Logger, withdrawn: () => void) {
    this.#config = config
    this.#withdrawn = withdrawn
    const paths = [config.certFile, config.keyFile, config.clientCaFile].filter((path) => path !== undefined)
    try {
      const read = () => this.#read()
      const take = (context: SecureContextOptions) => this.#take(context)
      // Whichever changes last completes the change: until then certificate and key may not fit together.
      for (const path of paths) this.#files.push(new WatchedFile(path, read, take, log))
    } catch (error) {
      this.close()
      const { code } = error as NodeJS.ErrnoException
      throw new ConfigError([
        `SLUICE_TLS_CERT_FILE, SLUICE_TLS_KEY_FILE, SLUICE_TLS_CLIENT_CA_FILE: expected PEM files that can be read, of a certificate and its key (${code ?? 'not PEM'})`,
      ])
    }
  }

  /** For the server that is being made. */
  get current(): TlsOptions {
    const { clientCaFile, requireClientCert } = this.#config
    return {
      ...this.#context,
      requestCert: clientCaFile !== undefined,
      rejectUnauthorized: requireClientCert,
      ALPNProtocols: ['http/1.1'],
    }
  }

  /** Has a server use what they become. */
  serve(server: Server): void {
    this.#server = server
    if (this.#config.clientCaFile === undefined) return
    server.on('secureConnection', (socket) => {
      if (!socket.authorized) return
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  #take(context: SecureContextOptions): void {
    this.#context = context
    this.#server?.setSecureContext(context)
    if (this.#open.size > 0) this.#lookAgain(certificatesIn((context.ca as Buffer).toString('latin1')))
  }

  #lookAgain(authorities: readonly X509Certificate[]): void {
    const refused = [...this.#open].filter((socket) => !lookAgain(socket, authorities))
    if (refused.length === 0) return
    this.#withdrawn()
    if (!this.#config.requireClientCert) return
    const cut = () => {
      for (const socket of refused) socket.destroy()
    }
    setTimeout(cut, CUT_MS).unref()
  }

  /** @throws Error where they are not PEM or do not belong together */
  #read(): SecureContextOptions {
    const { certFile, keyFile, clientCaFile } = this.#config
    const contents = {
      cert: readFileSync(certFile),
      key: readFileSync(keyFile),
      ...(clientCaFile === undefined ? {} : { ca: readFileSync(clientCaFile) }),
    }
    contextOf(contents)
    return { ...contents, minVersion: 'TLSv1.2' }
  }

  /** Looks at the files now. */
  reload(): readonly Look[] {
    return this.#files.map((file) => file.look())
  }

  close(): void {
    for (const file of this.#files) file.close()
  }
}
