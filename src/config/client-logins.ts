import { z } from 'zod'
import { integer } from './setting.ts'

const modes = ['gateway', 'client'] as const
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const

/** Settings that say as whom Kafka is asked. Part of `settings`. */
export const clientLoginSettings = {
  SLUICE_KAFKA_CREDENTIALS: z
    .enum(modes, { error: `one of ${modes.join(', ')}` })
    .default('gateway')
    .describe(
      "As whom Kafka is asked: the `gateway`, or each `client` with the user and password, or token, that it sends, so that Kafka's own ACLs decide (docs/kafka-credentials.md).",
    ),
  SLUICE_KAFKA_CLIENTS: integer(1, 100_000)
    .prefault('100')
    .describe(
      'Most clients that are logged in at Kafka at once, with `client`; past it those go that have been idle longest, and where all are in use one more is refused with 503.',
    ),
  SLUICE_KAFKA_CLIENT_IDLE_MS: integer(100, 86_400_000)
    .prefault('300000')
    .describe('Milliseconds after which an idle one of them is logged out.'),
  SLUICE_KAFKA_LOGIN_CHECK_MS: integer(100, 3_600_000)
    .prefault('30000')
    .describe(
      'Milliseconds after which Kafka is asked again whether the credentials of one in use still count.',
    ),
} as const satisfies Record<string, z.ZodType>

type Settings = { [K in keyof typeof clientLoginSettings]: z.output<(typeof clientLoginSettings)[K]> }

/** How clients log in at Kafka with credentials of their own. */
export interface ClientLogins {
  readonly mechanism: (typeof mechanisms)[number]
  /** SASL extensions sent along with a token (KIP-342). */
  readonly extensions: Readonly<Record<string, string>>
  /** Most that are logged in at once. */
  readonly limit: number
  /** An idle one is logged out after this, ms. */
  readonly idleMs: number
  /** Credentials in use are tried again after this, ms. */
  readonly checkMs: number
}

/** What else has to be set, or must not be. */
interface Beside {
  readonly KAFKA_BROKERS?: readonly string[] | undefined
  readonly KAFKA_TLS: boolean
  readonly KAFKA_SASL_MECHANISM?: string | undefined
  readonly KAFKA_SASL_OAUTH_EXTENSIONS?: Readonly<Record<string, string>> | undefined
  readonly SLUICE_SECRET?: string | undefined
}

/** The gateway has none of these where it asks as its clients. */
const ownCredentials = [
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'KAFKA_SASL_PASSWORD_FILE',
  'KAFKA_SASL_TOKEN',
  'KAFKA_SASL_TOKEN_FILE',
  'KAFKA_SASL_OAUTH_TOKEN_URL',
  'KAFKA_SASL_OAUTH_CLIENT_ID',
  'KAFKA_SASL_OAUTH_CLIENT_SECRET',
  'KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE',
  'KAFKA_SASL_OAUTH_SCOPE',
  'KAFKA_SASL_AWS_REGION',
] as const

/**
 * How clients log in, where they do; undefined where the gateway asks as itself.
 * @param problems gets a line for each setting that is missing, or of no effect
 * @param warnings gets a line for what is allowed but unwise
 */
export function clientLogins(
  s: Settings & Beside & { readonly [K in (typeof ownCredentials)[number]]?: unknown },
  problems: string[],
  warnings: string[],
): ClientLogins | undefined {
  if (s.SLUICE_KAFKA_CREDENTIALS !== 'client') return undefined
  for (const name of ownCredentials) {
    if (s[name] !== undefined)
      problems.push(
        `${name}: has no effect with SLUICE_KAFKA_CREDENTIALS=client, which asks Kafka as its clients`,
      )
  }
  if (s.KAFKA_BROKERS === undefined)
    problems.push('KAFKA_BROKERS: expected with SLUICE_KAFKA_CREDENTIALS=client')
  // The gateway has no identity of its own that could keep one in a topic.
  if (s.SLUICE_SECRET === undefined)
    problems.push('SLUICE_SECRET: expected with SLUICE_KAFKA_CREDENTIALS=client, the same for all replicas')
  const mechanism = mechanisms.find((name) => name === s.KAFKA_SASL_MECHANISM)
  if (mechanism === undefined) {
    problems.push(
      `KAFKA_SASL_MECHANISM: expected one of ${mechanisms.join(', ')} with SLUICE_KAFKA_CREDENTIALS=client`,
    )
    return undefined
  }
  if (!s.KAFKA_TLS && !mechanism.startsWith('SCRAM'))
    warnings.push(`${mechanism} without KAFKA_TLS sends clients' credentials to Kafka unencrypted`)
  return {
    mechanism,
    extensions: s.KAFKA_SASL_OAUTH_EXTENSIONS ?? {},
    limit: s.SLUICE_KAFKA_CLIENTS,
    idleMs: s.SLUICE_KAFKA_CLIENT_IDLE_MS,
    checkMs: s.SLUICE_KAFKA_LOGIN_CHECK_MS,
  }
}
