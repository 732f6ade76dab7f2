import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** The password of every key store here. */
export const STORE_PASSWORD = 'changeit'

/** A certificate authority of one test, made with openssl; its folder goes when the test ends. */
export class TestAuthority {
  readonly dir = mkdtempSync(join(tmpdir(), 'sluice-tls-'))
  readonly certificate = join(this.dir, 'ca.pem')
  readonly #key = join(this.dir, 'ca.key')

  constructor() {
    onTestFinished(() => rmSync(this.dir, { recursive: true, force: true }))
    const subject = [
      '-subj',
      '/CN=Test authority',
      '-days',
      '2',
      '-keyout',
      this.#key,
      '-out',
      this.certificate,
    ]
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject)
  }

  /** A certificate and key for 127.0.0.1 (or for `san`), as PEM files and as a PKCS#12 store for Java. */
  issue(name: string, san = 'IP:127.0.0.1'): { cert: string; key: string; store: string } {
    const path = (extension: string) => join(this.dir, `${name}.${extension}`)
    openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      path('key'),
      '-out',
      path('csr'),
    )
    writeFileSync(path('ext'), `subjectAltName=${san}\n`)
    const authority = ['-CA', this.certificate, '-CAkey', this.#key, '-CAcreateserial']
    const request = ['-in', path('csr'), '-extfile', path('ext'), '-days', '2', '-out', path('pem')]
    openssl('x509', '-req', ...authority, ...request)
    const pair = ['-inkey', path('key'), '-in', path('pem'), '-certfile', this.certificate]
    openssl('pkcs12', '-export', ...pair, '-passout', `pass:${STORE_PASSWORD}`, '-out', path('p12'))
    return { cert: path('pem'), key: path('key'), store: path('p12') }
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}
