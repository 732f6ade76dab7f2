import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type ClientLogins, type clientLoginSettings, clientLogins } from './client-logins.ts'
import { Secret } from './secret.ts'
import { file, flag } from './setting.ts'
import type { TlsPaths } from './tls-files.ts'

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM'] as const
const brokerList = z
  .string()
  .transform((v) => v.split(',').map((b) => b.trim()))
  .pipe(
    z
      .array(
        z.string().regex(/^(\[[0-9A-Fa-f:]+\]|[^:\s]+):\d{1,5}$/, 'host:port, several separated by commas'),
      )
      .min(1),
  )

const loopback = new Set(['localhost', '127.0.0.1', '[::1]'])
/** RFC 6749, section 3.2: the secret goes there as it is, so it goes over TLS, or to this machine. */
const tokenUrl = z.string().refine((text) => {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '' || url.hash !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback.has(url.hostname))
}, 'an https: URL without user, password or fragment (http: only for this machine)')

/** RFC 7628, section 3.1: names are letters; values are visible text, here without the commas that separate them. */
const extensionList = z.string().transform((text, context) => {
  const pairs = text.split(',').map((pair) => pair.trim())
  const extensions: Record<string, string> = {}
  for (const pair of pairs) {
    const [, name, value] = /^([A-Za-z]+)=([\x20-\x7e]+)$/.exec(pair) ?? []
    if (name === undefined || value === undefined || name === 'auth') {
      context.addIssue('name=value pairs separated by commas, the names letters alone and not auth')
      return z.NEVER
    }
    extensions[name] = value
  }
  return extensions
})

/** The settings of the connection to Kafka. */
export const kafkaSettings = {
  KAFKA_BROKERS: brokerList
    .optional()
    .describe(
      'Brokers to connect to first, `host:port,host:port`. Without it `npm start` runs a Kafka of its own.',
    ),
  KAFKA_CLIENT_ID: z
    .string()
    .min(1, 'a name')
    .default('sluice')
    .describe("Client id in the brokers' logs, metrics and quotas."),
  KAFKA_TLS: flag.prefault('false').describe('Connect to Kafka over TLS.'),
  KAFKA_TLS_CA_FILE: file
    .optional()
    .describe("PEM file of the authorities to trust for the brokers' certificates, instead of the system's."),
  KAFKA_TLS_CERT_FILE: file.optional().describe("PEM file of the gateway's own certificate, for mTLS."),
  KAFKA_TLS_KEY_FILE: file.optional().describe("PEM file of that certificate's key."),
  KAFKA_TLS_KEY_PASSWORD: z
    .string()
    .min(1)
    .optional()
    .describe('What that key is encrypted with, if it is. Secret.'),
  KAFKA_TLS_KEY_PASSWORD_FILE: file.optional().describe('The same in a file.'),
  KAFKA_SASL_MECHANISM: z
    .enum(mechanisms, { error: `one of ${mechanisms.join(', ')}` })
    .optional()
    .describe(`How the gateway logs in: ${mechanisms.join(', ')}.`),
  KAFKA_SASL_USERNAME: z.string().min(1).optional().describe('User name (PLAIN, SCRAM).'),
  KAFKA_SASL_PASSWORD: z.string().min(1).optional().describe('Password (PLAIN, SCRAM). Secret.'),
  KAFKA_SASL_PASSWORD_FILE: file.optional().describe('The same in a file, read at each login.'),
  KAFKA_SASL_TOKEN: z.string().min(1).optional().describe('A fixed token (OAUTHBEARER). Secret.'),
  KAFKA_SASL_TOKEN_FILE: file
    .optional()
    .describe('The same in a file, read at each login, which something else keeps fresh.'),
  KAFKA_SASL_OAUTH_TOKEN_URL: tokenUrl
    .optional()
    .describe(
      'Where tokens are fetched (OAUTHBEARER), with the client credentials of RFC 6749, section 4.4.',
    ),
  KAFKA_SASL_OAUTH_CLIENT_ID: z.string().min(1).optional().describe('Client id there.'),
  KAFKA_SASL_OAUTH_CLIENT_SECRET: z.string().min(1).optional().describe('Client secret there. Secret.'),
  KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE: file
    .optional()
    .describe('The same in a file, read each time a token is fetched.'),
  KAFKA_SASL_OAUTH_SCOPE: z
    .string()
    .min(1)
    .optional()
    .describe('Scope to ask for there, several separated by spaces.'),
  KAFKA_SASL_OAUTH_EXTENSIONS: extensionList
    .optional()
    .describe('SASL extensions sent along with a token, `name=value,name=value` (KIP-342).'),
  KAFKA_SASL_AWS_REGION: z
    .string()
    .regex(/^[a-z]{2,}(-[a-z]+)+-\d+$/, 'a region such as eu-west-1')
    .optional()
    .describe('Region of the MSK cluster (AWS_MSK_IAM); by default that of `AWS_REGION`.'),
} as const satisfies Record<string, z.ZodType>

type OwnSettings = { [K in keyof typeof kafkaSettings]: z.output<(typeof kafkaSettings)[K]> }
type ClientSettings = { [K in keyof typeof clientLoginSettings]: z.output<(typeof clientLoginSettings)[K]> }
type Settings = OwnSettings & ClientSettings & { readonly SLUICE_SECRET?: string | undefined }
type Mechanism = (typeof mechanisms)[number]

/** How the gateway logs in, and with what. */
export type SaslConfig =
  | {
      readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
      readonly username: string
      readonly password: Secret
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      readonly token: Secret | OAuthClient
      readonly extensions: Readonly<Record<string, string>>
    }
  | { readonly mechanism: 'AWS_MSK_IAM'; readonly region: string }

/** A client of an OAuth 2.0 authorization server. */
export interface OAuthClient {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly scope?: string
}

/** The brokers, and the TLS material and credentials of the connections to them. */
export interface KafkaConfig {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly tls?: TlsPaths
  /** How the gateway logs in, as itself; undefined also where it asks as its clients. */
  readonly sasl?: SaslConfig
  /** How its clients do, where it asks as them. */
  readonly clients?: ClientLogins
}

const passwordSettings = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD', 'KAFKA_SASL_PASSWORD_FILE'] as const
const oauthSettings = [
  'KAFKA_SASL_OAUTH_TOKEN_URL',
  'KAFKA_SASL_OAUTH_CLIENT_ID',
  'KAFKA_SASL_OAUTH_CLIENT_SECRET',
  'KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE',
  'KAFKA_SASL_OAUTH_SCOPE',
] as const
const tokenSettings = ['KAFKA_SASL_TOKEN', 'KAFKA_SASL_TOKEN_FILE', 'KAFKA_SASL_OAUTH_EXTENSIONS'] as const

/** The settings that mean something to a mechanism. */
const settingsOf: Record<Mechanism, readonly (keyof OwnSettings)[]> = {
  PLAIN: passwordSettings,
  'SCRAM-SHA-256': passwordSettings,
  'SCRAM-SHA-512': passwordSettings,
  OAUTHBEARER: [...tokenSettings, ...oauthSettings],
  AWS_MSK_IAM: ['KAFKA_SASL_AWS_REGION'],
}

/**
 * Puts the Kafka settings together.
 * @param problems gets a line for each setting that is wrong, missing or of no effect
 * @param warnings gets a line for what is allowed but unwise
 */
export function kafkaConfig(
  s: Settings,
  env: NodeJS.ProcessEnv,
  problems: string[],
  warnings: string[],
): KafkaConfig {
  const tls = tlsConfig(s, problems)
  const clients = clientLogins(s, problems, warnings)
  const asClients = s.SLUICE_KAFKA_CREDENTIALS === 'client'
  if (asClients && s.KAFKA_SASL_OAUTH_EXTENSIONS !== undefined && clients?.mechanism !== 'OAUTHBEARER')
    problems.push('KAFKA_SASL_OAUTH_EXTENSIONS: has no effect unless KAFKA_SASL_MECHANISM is OAUTHBEARER')
  const sasl = asClients ? undefined : saslConfig(s, env, problems)
  if (sasl !== undefined && !s.KAFKA_TLS) {
    if (sasl.mechanism === 'AWS_MSK_IAM') problems.push('KAFKA_TLS: expected true with AWS_MSK_IAM')
    else if (sasl.mechanism === 'PLAIN' || sasl.mechanism === 'OAUTHBEARER')
      warnings.push(`${sasl.mechanism} without KAFKA_TLS sends the gateway's secret unencrypted`)
  }
  return {
    brokers: s.KAFKA_BROKERS ?? [],
    clientId: s.KAFKA_CLIENT_ID,
    ...(tls && { tls }),
    ...(sasl && { sasl }),
    ...(clients && { clients }),
  }
}

function saslConfig(s: Settings, env: NodeJS.ProcessEnv, problems: string[]): SaslConfig | undefined {
  const mechanism = s.KAFKA_SASL_MECHANISM
  const useful = mechanism === undefined ? [] : settingsOf[mechanism]
  for (const name of new Set(Object.values(settingsOf).flat())) {
    if (s[name] === undefined || useful.includes(name)) continue
    const effect = mechanism === undefined ? 'unless KAFKA_SASL_MECHANISM is set' : `with ${mechanism}`
    problems.push(`${name}: has no effect ${effect}`)
  }
  switch (mechanism) {
    case undefined:
      return undefined
    case 'AWS_MSK_IAM': {
      const region = s.KAFKA_SASL_AWS_REGION ?? env.AWS_REGION
      if (!region) problems.push('KAFKA_SASL_AWS_REGION: expected with AWS_MSK_IAM')
      return { mechanism, region: region ?? '' }
    }
    case 'OAUTHBEARER': {
      const token = oauthClient(s, problems) ?? secret(s, 'KAFKA_SASL_TOKEN', problems)
      if (token === undefined) {
        problems.push('KAFKA_SASL_OAUTH_TOKEN_URL, KAFKA_SASL_TOKEN: expected one of them with OAUTHBEARER')
        return undefined
      }
      return { mechanism, token, extensions: s.KAFKA_SASL_OAUTH_EXTENSIONS ?? {} }
    }
    default: {
      const username = s.KAFKA_SASL_USERNAME
      const password = secret(s, 'KAFKA_SASL_PASSWORD', problems)
      if (username === undefined || password === undefined) {
        problems.push(`KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD: expected with ${mechanism}`)
        return undefined
      }
      return { mechanism, username, password }
    }
  }
}

function oauthClient(s: Settings, problems: string[]): OAuthClient | undefined {
  if (oauthSettings.every((name) => s[name] === undefined)) return undefined
  for (const name of ['KAFKA_SASL_TOKEN', 'KAFKA_SASL_TOKEN_FILE'] as const) {
    if (s[name] !== undefined) problems.push(`${name}: has no effect where tokens are fetched`)
  }
  const { KAFKA_SASL_OAUTH_TOKEN_URL: tokenUrl = '', KAFKA_SASL_OAUTH_CLIENT_ID: clientId = '' } = s
  const clientSecret = secret(s, 'KAFKA_SASL_OAUTH_CLIENT_SECRET', problems) ?? Secret.of('')
  const scope = s.KAFKA_SASL_OAUTH_SCOPE
  for (const name of ['TOKEN_URL', 'CLIENT_ID', 'CLIENT_SECRET'] as const) {
    const isSet =
      s[`KAFKA_SASL_OAUTH_${name}`] ?? (name === 'CLIENT_SECRET' && s.KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE)
    if (!isSet) problems.push(`KAFKA_SASL_OAUTH_${name}: expected with the other KAFKA_SASL_OAUTH_ settings`)
  }
  return { tokenUrl, clientId, clientSecret, ...(scope && { scope }) }
}

type SecretSetting =
  'KAFKA_SASL_PASSWORD' | 'KAFKA_SASL_TOKEN' | 'KAFKA_SASL_OAUTH_CLIENT_SECRET' | 'KAFKA_TLS_KEY_PASSWORD'

/** A secret given as text or as a file; a file that cannot be read is a problem at the start already. */
function secret(s: Settings, name: SecretSetting, problems: string[]): Secret | undefined {
  const text = s[name]
  const path = s[`${name}_FILE`]
  if (path === undefined) return text === undefined ? undefined : Secret.of(text)
  if (text !== undefined) problems.push(`${name}, ${name}_FILE: expected one of them`)
  const inFile = Secret.inFile(path)
  try {
    inFile.readSync()
  } catch {
    problems.push(`${name}_FILE: expected the path of a readable file that is not empty`)
  }
  return inFile
}

/** The files are read anew for each connection; what is wrong with them now stops the start. */
function tlsConfig(s: Settings, problems: string[]): TlsPaths | undefined {
  const before = problems.length
  const read = (name: 'KAFKA_TLS_CA_FILE' | 'KAFKA_TLS_CERT_FILE' | 'KAFKA_TLS_KEY_FILE') => {
    const path = s[name]
    if (path === undefined) return undefined
    if (!s.KAFKA_TLS) problems.push(`${name}: has no effect unless KAFKA_TLS is true`)
    try {
      return readFileSync(path)
    } catch {
      problems.push(`${name}: expected the path of a readable file`)
      return undefined
    }
  }
  const pem = {
    ca: read('KAFKA_TLS_CA_FILE'),
    cert: read('KAFKA_TLS_CERT_FILE'),
    key: read('KAFKA_TLS_KEY_FILE'),
  }
  const keyPassword = secret(s, 'KAFKA_TLS_KEY_PASSWORD', problems)
  if (problems.length > before) return undefined
  if ((pem.cert === undefined) !== (pem.key === undefined)) {
    problems.push('KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE: expected both or neither')
  } else if (keyPassword !== undefined && pem.key === undefined) {
    problems.push('KAFKA_TLS_KEY_PASSWORD: has no effect without KAFKA_TLS_KEY_FILE')
  } else checkPem(pem, keyPassword?.readSync(), problems)
  if (!s.KAFKA_TLS) return undefined
  const { KAFKA_TLS_CA_FILE: ca, KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key } = s
  return {
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(keyPassword && { keyPassword }),
  }
}

function checkPem(
  { ca, cert, key }: { ca: Buffer | undefined; cert: Buffer | undefined; key: Buffer | undefined },
  passphrase: string | undefined,
  problems: string[],
): void {
  certificateIn(ca, 'KAFKA_TLS_CA_FILE', problems)
  const own = certificateIn(cert, 'KAFKA_TLS_CERT_FILE', problems)
  if (key === undefined) return
  let privateKey: KeyObject
  try {
    privateKey = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) })
  } catch {
    problems.push('KAFKA_TLS_KEY_FILE: expected a PEM key, and KAFKA_TLS_KEY_PASSWORD where it is encrypted')
    return
  }
  if (own?.checkPrivateKey(privateKey) === false) {
    problems.push('KAFKA_TLS_CERT_FILE, KAFKA_TLS_KEY_FILE: expected a certificate and its own key')
  }
}

function certificateIn(
  pem: Buffer | undefined,
  name: string,
  problems: string[],
): X509Certificate | undefined {
  if (pem === undefined) return undefined
  try {
    return new X509Certificate(pem)
  } catch {
    problems.push(`${name}: expected a PEM certificate`)
    return undefined
  }
}
