import { createPrivateKey, type X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { TlsConfig } from '../../auth/auth-config.ts'
import { certificatesIn, type TlsPaths } from '../../config/tls-files.ts'
import { dateText, endVerdict, firstToEnd } from '../certificates.ts'
import { ok, problem, type Verdict, warning } from '../finding.ts'
import { unreadable } from './files.ts'

const RENEW = 'Renew it; the gateway takes up the new file by itself.'
/** Addresses that stand for all of a machine's, and are in no certificate. */
const anyAddress = new Set(['0.0.0.0', '::'])

/** The certificate that the gateway shows its clients, its key, and the authorities of theirs. */
export function listenerCertificateVerdicts(tls: TlsConfig | undefined, host: string): Verdict[] {
  if (tls === undefined) return [ok('there is none: HTTP without TLS')]
  const certSubject = `SLUICE_TLS_CERT_FILE ${tls.certFile}`
  const keySubject = `SLUICE_TLS_KEY_FILE ${tls.keyFile}`
  const chain = read(tls.certFile, certSubject, (text) => certificatesIn(text), 'PEM certificates')
  const key = read(
    tls.keyFile,
    keySubject,
    (text) => createPrivateKey(text),
    'a PEM key that is not encrypted',
  )
  const verdicts: Verdict[] = [chain, key].flatMap((one) => ('verdict' in one ? [one.verdict] : []))
  if ('value' in chain) {
    const [own] = chain.value
    if ('value' in key && !own!.checkPrivateKey(key.value)) {
      verdicts.push(
        problem(
          'the key is not that of the certificate',
          'Name a certificate and its own key: the certificate first in its file, before those of its authorities.',
          keySubject,
        ),
      )
    }
    verdicts.push(
      endVerdict('the certificate', firstToEnd(chain.value), RENEW, {
        subject: certSubject,
        seen: `valid until ${dateText(firstToEnd(chain.value))}, for ${namesOf(own!)}`,
      }),
    )
    verdicts.push(...nameVerdicts(own!, host, certSubject))
  }
  if (tls.clientCaFile !== undefined)
    verdicts.push(authoritiesVerdict(tls.clientCaFile, 'SLUICE_TLS_CLIENT_CA_FILE'))
  return verdicts
}

/** What the gateway shows the brokers, and whom it trusts. What can't be read or doesn't fit, the settings' check says. */
export function kafkaCertificateVerdicts(tls: TlsPaths | undefined): Verdict[] {
  if (tls === undefined) return [ok('there is none: KAFKA_TLS is not true')]
  const verdicts: Verdict[] = []
  if (tls.ca !== undefined) verdicts.push(authoritiesVerdict(tls.ca, 'KAFKA_TLS_CA_FILE'))
  if (tls.cert !== undefined) {
    const subject = `KAFKA_TLS_CERT_FILE ${tls.cert}`
    const chain = read(tls.cert, subject, (text) => certificatesIn(text), 'PEM certificates')
    if ('verdict' in chain) verdicts.push(chain.verdict)
    else verdicts.push(endVerdict('the certificate', firstToEnd(chain.value), RENEW, { subject }))
  }
  return verdicts.length > 0 ? verdicts : [ok('none of its own; the authorities of the system are trusted')]
}

function authoritiesVerdict(path: string, setting: string): Verdict {
  const subject = `${setting} ${path}`
  const found = read(path, subject, (text) => certificatesIn(text), 'PEM certificates')
  if ('verdict' in found) return found.verdict
  // Of several authorities one may have been left behind on purpose; the last to end is the one in use.
  const lastEnd = new Date(Math.max(...found.value.map(({ validTo }) => Date.parse(validTo))))
  return endVerdict(
    'the authority',
    lastEnd,
    'Put the certificate of the authority that follows it into the file, beside this one.',
    { subject },
  )
}

function nameVerdicts(own: X509Certificate, host: string, subject: string): Verdict[] {
  const fix = 'Have one issued with the names that clients use as its subjectAltName.'
  if (own.subjectAltName === undefined)
    return [problem('it is for no name: clients take none without subjectAltName', fix, subject)]
  if (anyAddress.has(host)) return []
  const fits = isIP(host) === 0 ? own.checkHost(host) : own.checkIP(host)
  if (fits !== undefined) return []
  return [
    warning(
      `it is not for ${host} (SLUICE_HOST)`,
      `${fix} Where clients use another name than that, this is fine.`,
      subject,
    ),
  ]
}

function namesOf(certificate: X509Certificate): string {
  return certificate.subjectAltName?.replaceAll(/(DNS|IP Address):/g, '') ?? certificate.subject
}

function read<T>(
  path: string,
  subject: string,
  parse: (text: string) => T,
  expected: string,
): { readonly value: T } | { readonly verdict: Verdict } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return { verdict: unreadable(error, subject) }
  }
  try {
    return { value: parse(text) }
  } catch {
    return { verdict: problem(`it does not hold ${expected}`, 'Correct the file, or its path.', subject) }
  }
}
