import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The password of every key store here. */
export const STORE_PASSWORD = 'changeit'

/** What the encrypted keys here are encrypted with. */
export const KEY_PASSWORD = 'key-secret'

export interface Issued {
  readonly cert: string
  readonly key: string
  /** The same key, encrypted with KEY_PASSWORD. */
  readonly encryptedKey: string
  /** Both for Java, as PKCS#12. */
  readonly store: string
}

/** A certificate authority of one test, made with openssl; its folder goes when the test (or the file) ends. */
export class TestAuthority {
  readonly dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
  readonly certificate = join(this.dir, 'ca.pem')
  readonly #key = join(this.dir, 'ca.key')

  /** @param atTheEnd afterAll, for an authority that all tests of a file share */
  constructor(atTheEnd: (clean: () => void) => void = onTestFinished) {
    atTheEnd(() => rmSync(this.dir, { recursive: true, force: true }))
    const files = ['-keyout', this.#key, '-out', this.certificate]
    openssl('req', '-x509', ...newKey, '-subj', '/CN=Test authority', '-days', '2', ...files)
  }

  /** A certificate and key for 127.0.0.1 (or for `san`), as PEM files and as a store. One for 0 days has expired. */
  issue(name: string, { san = 'IP:127.0.0.1', days = 2 } = {}): Issued {
    const path = (extension: string) => join(this.dir, `${name}.${extension}`)
    openssl('req', ...newKey, '-subj', `/CN=${name}`, '-keyout', path('key'), '-out', path('csr'))
    writeFileSync(path('ext'), `subjectAltName=${san}\n`)
    const authority = ['-CA', this.certificate, '-CAkey', this.#key, '-CAcreateserial']
    const request = ['-in', path('csr'), '-extfile', path('ext'), '-days', String(days), '-out', path('pem')]
    openssl('x509', '-req', ...authority, ...request)
    const pair = ['-inkey', path('key'), '-in', path('pem'), '-certfile', this.certificate]
    openssl('pkcs12', '-export', ...pair, '-passout', `pass:${STORE_PASSWORD}`, '-out', path('p12'))
    const encrypted = ['-passout', `pass:${KEY_PASSWORD}`, '-out', path('key.enc')]
    openssl('pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-in', path('key'), ...encrypted)
    return { cert: path('pem'), key: path('key'), encryptedKey: path('key.enc'), store: path('p12') }
  }
}

/** Elliptic curves: made at once. */
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
