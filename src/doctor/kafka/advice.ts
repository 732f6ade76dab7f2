import type { KafkaConfig } from '../../config/kafka-config.ts'
import type { KafkaOperation } from '../../kafka/survey/operations.ts'

/** What to do about a reason for which broker and gateway did not come together; docs/kafka-security.md has the same. */
const mends: readonly (readonly [reason: RegExp, fix: string])[] = [
  [/CERT_HAS_EXPIRED/, "Renew the broker's certificate."],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    'Reach the broker by a name that is in its certificate (advertised.listeners, KAFKA_BROKERS), or issue one that has this name.',
  ],
  [
    /UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_/,
    "Name the authority of the broker's certificate in KAFKA_TLS_CA_FILE.",
  ],
  [/ALERT/i, 'Show a certificate that the broker takes: KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE.'],
  [
    /WRONG_VERSION_NUMBER|before secure TLS connection|EPROTO|ECONNRESET/,
    'Name a port where the broker speaks TLS, or set KAFKA_TLS=false.',
  ],
  [/requires TLS/, 'Set KAFKA_TLS=true, or name a port without TLS.'],
  [
    /SASL_AUTHENTICATION_FAILED|cannot be read from its file/,
    'Correct KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or the token, as the broker has them.',
  ],
  [/ILLEGAL_SASL_STATE/, 'Name a port where the broker asks for a login, or unset KAFKA_SASL_MECHANISM.'],
  [/the broker takes /, 'Set KAFKA_SASL_MECHANISM to one that it takes.'],
  [
    /token endpoint|token that Kafka asks for/i,
    'Correct KAFKA_SASL_OAUTH_TOKEN_URL, KAFKA_SASL_OAUTH_CLIENT_ID and KAFKA_SASL_OAUTH_CLIENT_SECRET, and let the gateway reach that server.',
  ],
]

export function mendOf(reason: string): string | undefined {
  return mends.find(([pattern]) => pattern.test(reason))?.[1]
}

/** What has Kafka let the gateway do something, a command of Kafka's own tools. */
export function grant(config: KafkaConfig, operations: readonly KafkaOperation[], resource: string): string {
  const names = operations.map((operation) =>
    operation
      .replaceAll('-', ' ')
      .replaceAll(/\b[a-z]/g, (c) => c.toUpperCase())
      .replaceAll(' ', ''),
  )
  return `kafka-acls.sh --bootstrap-server ${config.brokers[0]} --add --allow-principal '${principalOf(config)}' ${names.map((name) => `--operation ${name}`).join(' ')} ${resource}`
}

/** As Kafka calls the gateway, where its settings say. */
function principalOf({ sasl, tls }: KafkaConfig): string {
  if (sasl !== undefined && 'username' in sasl) return `User:${sasl.username}`
  return sasl === undefined && tls?.cert === undefined ? 'User:ANONYMOUS' : 'User:NAME'
}
