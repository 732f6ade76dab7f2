import { describe, expect, it } from 'vitest'
import { FailedLogins } from '../../src/auth/failed-logins.ts'
import { Fingerprints, shownBy } from '../../src/clients/shown.ts'
import { type ConfigError, loadConfig } from '../../src/config/config.ts'
import { ClientRefused, CredentialsRefused, LoginError, problemFromKafka } from '../../src/kafka/errors.ts'

const plain = { mechanism: 'PLAIN', extensions: {} } as const
const oauth = { mechanism: 'OAUTHBEARER', extensions: {} } as const
const password = (user: string, secret: string) => ({ kind: 'password', user, password: secret }) as const
const token = (claims: unknown) =>
  ({ kind: 'jwt', token: `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x` }) as const
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600

describe('what clients show', () => {
  it('is their name as Kafka has it, and nothing of their secret where it is printed', () => {
    const shown = shownBy(password('al:ice', 'pass:word'), plain)
    expect(shown.name).toBe('user:al:ice')
    expect(JSON.stringify(shown)).not.toContain('pass:word')
    expect(shownBy(token({ sub: 'alice', exp: inAnHour }), oauth)).toMatchObject({
      name: 'user:alice',
      expiresAt: inAnHour * 1_000,
    })
  })

  it.each([
    ['a user that would be another with PLAIN', password('a\0root', 'p'), plain],
    ['a password that would bring another user', password('a', '\0root'), plain],
    ['a user of two lines', password('a\nb', 'p'), plain],
    ['nobody', password('', 'p'), plain],
    ['no password', password('a', ''), plain],
    ['a name without an end', password('a'.repeat(257), 'p'), plain],
    ['a token to a gateway that takes passwords', token({ sub: 'a', exp: inAnHour }), plain],
    ['a password to one that takes tokens', password('a', 'p'), oauth],
    ['a token of nobody', token({ exp: inAnHour }), oauth],
    ['a token of two lines', token({ sub: 'a\nb', exp: inAnHour }), oauth],
    ['a token that has expired', token({ sub: 'a', exp: 1 }), oauth],
    ['a token that is none', { kind: 'jwt', token: 'a.b.c' } as const, oauth],
    ['a token that is null', token(null), oauth],
    ['a token without an end', { kind: 'jwt', token: `a.${'b'.repeat(9_000)}.c` } as const, oauth],
  ])('is refused before Kafka is asked: %s', (_, credentials, logins) => {
    expect(() => shownBy(credentials, logins)).toThrow(
      expect.objectContaining({ code: 'invalid_credentials' }),
    )
  })

  it('is told apart by user and password together, and by nothing that another process could compute', () => {
    const prints = new Fingerprints()
    const same = prints.of(password('a', 'b'))
    expect(prints.of(password('a', 'b'))).toBe(same)
    const others = [password('a', 'c'), password('b', 'b'), password('a","b', ''), token({ sub: 'a' })]
    for (const other of others) expect(prints.of(other)).not.toBe(same)
    expect(new Fingerprints().of(password('a', 'b'))).not.toBe(same)
  })
})

it('a refusal is the client’s where the credentials are, and the gateway’s where they or TLS are its own', () => {
  const refused = new CredentialsRefused('no')
  expect(problemFromKafka(new Error('x', { cause: new ClientRefused(refused) })).code).toBe(
    'invalid_credentials',
  )
  for (const error of [
    refused,
    new LoginError('no'),
    Object.assign(new Error(), { code: 'CERT_HAS_EXPIRED' }),
  ])
    expect(problemFromKafka(error).code).toBe('kafka_auth_failed')
})

it('wrong credentials past the limit hold back those that Kafka would have to be asked about, one a second', () => {
  const failures = new FailedLogins(2)
  expect(failures.holdBack('a')).toBeUndefined()
  for (let i = 0; i < 2; i++) failures.count('a')
  expect(failures.holdBack('a'), 'the one of this second').toBeUndefined()
  expect(failures.holdBack('a')).toBe(1)
  expect(failures.holdBack('b'), 'another address').toBeUndefined()
})

const client = {
  KAFKA_BROKERS: 'kafka:9092',
  KAFKA_TLS: 'true',
  KAFKA_SASL_MECHANISM: 'PLAIN',
  SLUICE_KAFKA_CREDENTIALS: 'client',
  SLUICE_SECRET: 'of this gateway, and long enough',
}

describe('SLUICE_KAFKA_CREDENTIALS=client', () => {
  it('lets the gateway listen anywhere, since nobody gets in who is nobody at Kafka', () => {
    const { kafka, auth, warnings } = loadConfig({ ...client, SLUICE_HOST: '0.0.0.0', KAFKA_TLS: 'false' })
    expect(kafka).toMatchObject({ clients: { mechanism: 'PLAIN', limit: 100 } })
    expect(kafka.sasl).toBeUndefined()
    expect(auth).toEqual({ failedLogins: 10 })
    expect(warnings).toEqual([
      expect.stringMatching(/^PLAIN without KAFKA_TLS sends clients' credentials/),
      expect.stringMatching(/^without SLUICE_TLS_CERT_FILE clients' Kafka credentials come unencrypted/),
    ])
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['no secret', { SLUICE_SECRET: '' }, /^SLUICE_SECRET: expected/],
    ['no brokers', { KAFKA_BROKERS: '' }, /^KAFKA_BROKERS: expected/],
    ['no mechanism', { KAFKA_SASL_MECHANISM: '' }, /^KAFKA_SASL_MECHANISM: expected one of PLAIN, SCRAM/],
    [
      'one that clients have not',
      { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM' },
      /^KAFKA_SASL_MECHANISM: expected one of/,
    ],
    [
      'credentials of its own',
      { KAFKA_SASL_USERNAME: 'u' },
      /^KAFKA_SASL_USERNAME: has no effect with SLUICE_KAFKA/,
    ],
    [
      'extensions without tokens',
      { KAFKA_SASL_OAUTH_EXTENSIONS: 'a=b' },
      /^KAFKA_SASL_OAUTH_EXTENSIONS: has no/,
    ],
    [
      'API keys',
      { SLUICE_API_KEYS_FILE: 'k' },
      /^SLUICE_API_KEYS_FILE: has no effect .* show Kafka who they are/,
    ],
    ['issuers', { SLUICE_JWT_ISSUERS: 'https://id.example' }, /^SLUICE_JWT_ISSUERS: has no effect/],
    [
      'optional certificates',
      { SLUICE_TLS_CLIENT_CA_FILE: 'ca' },
      /^SLUICE_TLS_CLIENT_CA_FILE: has no effect/,
    ],
    [
      'a word that is none',
      { SLUICE_KAFKA_CREDENTIALS: 'caller' },
      /^SLUICE_KAFKA_CREDENTIALS: expected one of/,
    ],
  ])('stops the start where it does not fit together: %s', (_, env, expected) => {
    let problems: readonly string[] = []
    try {
      loadConfig({ ...client, ...env })
    } catch (error) {
      problems = (error as ConfigError).problems
    }
    expect(problems).toContainEqual(expect.stringMatching(expected))
  })
})
