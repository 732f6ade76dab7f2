import { z } from 'zod'

const file = z.string().min(1, 'the path of a file')
const httpUrl = z.url({ protocol: /^https?$/, error: 'a URL that begins with https:// or http://' })

/** Settings that say who may use the gateway. Part of `settings`. */
export const authSettings = {
  SLUICE_INSECURE: z
    .enum(['true', 'false'], { error: 'true or false' })
    .transform((value) => value === 'true')
    .prefault('false')
    .describe(
      'Listen on other addresses than those of this machine although nobody has to show who they are: whoever reaches the port may do everything.',
    ),
  SLUICE_API_KEYS_FILE: file
    .optional()
    .describe('File of API keys, which `sluice keys create` writes. Read again when it changes.'),
  SLUICE_POLICY_FILE: file
    .optional()
    .describe(
      'File of rules, YAML or JSON: who may do what. Needed with every way to show who one is; nothing is allowed that no rule allows. Read again when it changes.',
    ),
  SLUICE_JWT_ISSUERS: z
    .string()
    .default('')
    .transform((text) => text.split(',').filter((issuer) => issuer !== ''))
    .pipe(z.array(httpUrl))
    .describe('Identity providers whose JSON Web Tokens are accepted, by their `iss`, separated by commas.'),
  SLUICE_JWT_AUDIENCE: z
    .string()
    .min(1)
    .optional()
    .describe('The `aud` that those tokens must have. Needed with SLUICE_JWT_ISSUERS.'),
  SLUICE_JWT_JWKS_URL: httpUrl
    .optional()
    .describe("Where the provider's keys are, where it has no OpenID Connect discovery."),
  SLUICE_JWT_ROLES_CLAIM: z
    .string()
    .min(1)
    .default('roles')
    .describe('Claim with the roles of a token; dots lead into objects, such as `realm_access.roles`.'),
  SLUICE_FAILED_LOGINS: z
    .string()
    .regex(/^\d{1,6}$/, 'an integer from 0 to 999999')
    .transform(Number)
    .prefault('10')
    .describe('Wrong credentials a minute from one address, past which they are answered 429.'),
  SLUICE_TLS_CERT_FILE: file
    .optional()
    .describe(
      'PEM file of the certificate to serve HTTPS and WSS with, and its chain. Read again when it changes.',
    ),
  SLUICE_TLS_KEY_FILE: file.optional().describe("PEM file of that certificate's key."),
  SLUICE_TLS_CLIENT_CA_FILE: file
    .optional()
    .describe('PEM file of the authorities whose client certificates say who a client is (mTLS).'),
  SLUICE_TLS_CLIENT_AUTH: z
    .enum(['optional', 'required'], { error: 'optional or required' })
    .default('optional')
    .describe('Whether a client without such a certificate may connect at all.'),
} as const satisfies Record<string, z.ZodType>

type AuthSettings = { [K in keyof typeof authSettings]: z.output<(typeof authSettings)[K]> }

/** Who may use the gateway. */
export interface AuthConfig {
  readonly keysFile?: string
  /** What may be done with each; there wherever anybody has to show who they are, but to Kafka. */
  readonly policyFile?: string
  readonly jwt?: {
    readonly issuers: readonly string[]
    readonly audience: string
    readonly jwksUrl?: string
    readonly rolesClaim: string
  }
  /** Wrong credentials a minute. */
  readonly failedLogins: number
}

/** HTTPS. */
export interface TlsConfig {
  readonly certFile: string
  readonly keyFile: string
  readonly clientCaFile?: string
  readonly requireClientCert: boolean
}

/** Ways to show the gateway who one is, which mean nothing where Kafka is shown. */
const ownWays = ['SLUICE_API_KEYS_FILE', 'SLUICE_JWT_ISSUERS'] as const

/** The same where clients show Kafka who they are. */
function ofClientLogins(s: AuthSettings, problems: string[]): AuthConfig {
  const has = 'has no effect with SLUICE_KAFKA_CREDENTIALS=client: clients show Kafka who they are'
  for (const name of ownWays) if ((s[name]?.length ?? 0) > 0) problems.push(`${name}: ${has}`)
  // Required, it says who may connect at all; it is nobody at Kafka.
  if (s.SLUICE_TLS_CLIENT_CA_FILE !== undefined && s.SLUICE_TLS_CLIENT_AUTH !== 'required')
    problems.push(`SLUICE_TLS_CLIENT_CA_FILE: ${has}, unless SLUICE_TLS_CLIENT_AUTH=required`)
  const policyFile = s.SLUICE_POLICY_FILE
  return { ...(policyFile && { policyFile }), failedLogins: s.SLUICE_FAILED_LOGINS }
}

/**
 * What is configured of authentication; undefined where it is nothing. What does not fit together goes to `problems`.
 * @param asClients whether Kafka is asked as the clients, so that they have to show it who they are
 */
export function toAuthConfig(
  s: AuthSettings,
  asClients: boolean,
  problems: string[],
): AuthConfig | undefined {
  if (asClients) return ofClientLogins(s, problems)
  const keysFile = s.SLUICE_API_KEYS_FILE
  const policyFile = s.SLUICE_POLICY_FILE
  const issuers = s.SLUICE_JWT_ISSUERS
  const isConfigured =
    keysFile !== undefined || issuers.length > 0 || s.SLUICE_TLS_CLIENT_CA_FILE !== undefined
  if (issuers.length > 0 && s.SLUICE_JWT_AUDIENCE === undefined)
    problems.push('SLUICE_JWT_AUDIENCE: expected with SLUICE_JWT_ISSUERS')
  if (issuers.length > 1 && s.SLUICE_JWT_JWKS_URL !== undefined)
    problems.push('SLUICE_JWT_JWKS_URL: expected with a single issuer alone')
  if (!isConfigured) {
    if (policyFile !== undefined) {
      problems.push(
        'SLUICE_POLICY_FILE: expected with a way to show who one is: SLUICE_API_KEYS_FILE, SLUICE_JWT_ISSUERS or SLUICE_TLS_CLIENT_CA_FILE',
      )
    }
    return undefined
  }
  if (policyFile === undefined) {
    problems.push('SLUICE_POLICY_FILE: expected, since without rules nobody may do anything')
    return undefined
  }
  return {
    ...(keysFile && { keysFile }),
    policyFile,
    failedLogins: s.SLUICE_FAILED_LOGINS,
    ...(issuers.length > 0 && {
      jwt: {
        issuers,
        audience: s.SLUICE_JWT_AUDIENCE ?? '',
        ...(s.SLUICE_JWT_JWKS_URL && { jwksUrl: s.SLUICE_JWT_JWKS_URL }),
        rolesClaim: s.SLUICE_JWT_ROLES_CLAIM,
      },
    }),
  }
}

/** HTTPS, where it is configured. */
export function toTlsConfig(s: AuthSettings, problems: string[]): TlsConfig | undefined {
  const certFile = s.SLUICE_TLS_CERT_FILE
  const keyFile = s.SLUICE_TLS_KEY_FILE
  const clientCaFile = s.SLUICE_TLS_CLIENT_CA_FILE
  if (certFile !== undefined && keyFile !== undefined) {
    if (s.SLUICE_TLS_CLIENT_AUTH === 'required' && clientCaFile === undefined)
      problems.push('SLUICE_TLS_CLIENT_CA_FILE: expected with SLUICE_TLS_CLIENT_AUTH=required')
    const requireClientCert = s.SLUICE_TLS_CLIENT_AUTH === 'required'
    return { certFile, keyFile, ...(clientCaFile && { clientCaFile }), requireClientCert }
  }
  if (certFile !== keyFile)
    problems.push('SLUICE_TLS_CERT_FILE, SLUICE_TLS_KEY_FILE: expected both or neither')
  else if (clientCaFile !== undefined)
    problems.push('SLUICE_TLS_CLIENT_CA_FILE: expected with SLUICE_TLS_CERT_FILE and SLUICE_TLS_KEY_FILE')
  return undefined
}

/** Whether an address is this machine's own, which nobody else can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}
