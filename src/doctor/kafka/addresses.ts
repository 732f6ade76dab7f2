import type { SaslConfig } from '../../config/kafka-config.ts'
import { reasonOf } from '../../kafka/errors.ts'
import type { Reach } from '../../kafka/survey/reach.ts'
import { Problem } from '../../problems/problem.ts'
import { dateText, endVerdict } from '../certificates.ts'
import { ok, problem, type Verdict } from '../finding.ts'
import { mendOf } from './advice.ts'

/** An address, who is there, and how far the gateway came. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Of a broker that advertises it. */
  readonly broker?: number
  readonly reach: Reach
}

const networkReasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name can not be looked up just now',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ETIMEDOUT: 'no answer in time',
}

export function addressText({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** How far the gateway came at one address, in one line. */
export function addressVerdict(address: Address, sasl: SaslConfig | undefined): Verdict {
  const { host, broker, reach } = address
  const subject = broker === undefined ? addressText(address) : `broker ${broker} at ${addressText(address)}`
  const { ips, certificate, failed } = reach
  if (failed !== undefined) return refusal(address, subject, failed)
  const ways = [
    ips.includes(host) ? 'TCP' : ips.join(', '),
    certificate && `TLS until ${dateText(certificate.validTo)}`,
    sasl === undefined ? 'no login' : `logged in by ${sasl.mechanism}`,
  ].filter((way) => way !== undefined)
  if (certificate === undefined) return ok(ways.join('; '), subject)
  return endVerdict("the broker's certificate", certificate.validTo, "Renew the broker's certificate.", {
    subject,
    seen: ways.join('; '),
  })
}

function refusal(
  { broker, reach: { certificate } }: Address,
  subject: string,
  { step, error }: NonNullable<Reach['failed']>,
): Verdict {
  const reason = wordsFor(error)
  if (step === 'name' || step === 'tcp') {
    const fix =
      broker === undefined
        ? 'Correct KAFKA_BROKERS, start the broker, or open the way to it (firewall, security group, DNS).'
        : `Set advertised.listeners of broker ${broker} to an address that this machine can reach: clients are sent there whatever KAFKA_BROKERS says. Or start the broker, or open the way to it.`
    return problem(`${step === 'name' ? 'name' : 'TCP'}: ${reason}`, fix, subject)
  }
  const names = certificate?.names.replaceAll(/(DNS|IP Address):/g, '')
  const shown = names && reason.includes('ALTNAME') ? `; it is for ${names}` : ''
  return problem(
    `${step === 'tls' ? 'TLS' : 'login'}: ${reason}${shown}`,
    mendOf(reason) ?? 'Is it a Kafka broker, and one that answers? Its log says why it let nobody in.',
    subject,
  )
}

function wordsFor(error: unknown): string {
  // What the login itself found out is in the cause; what gave up waiting for it has none.
  if (error instanceof Problem)
    return error.options.cause === undefined
      ? 'no answer in time'
      : `${error.message.replace(/\.$/, '')} (${reasonOf(error.options.cause)})`
  const { code = '' } = error as NodeJS.ErrnoException
  return networkReasons[code] ?? reasonOf(error)
}
