import { writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '../../src/config/config.ts'
import { KEY_PASSWORD, TestAuthority } from '../support/certificates.ts'
import { temporaryDir } from '../support/temporary-dir.ts'

/** The settings that stop the start. */
function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig({ KAFKA_BROKERS: 'kafka:9092', ...env })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
const plain = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'hush' }
const oauth = {
  KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  KAFKA_SASL_OAUTH_TOKEN_URL: 'https://login.example/token',
  KAFKA_SASL_OAUTH_CLIENT_ID: 'sluice',
  KAFKA_SASL_OAUTH_CLIENT_SECRET: 'hush',
}

describe('the settings of the connection to Kafka', () => {
  it.each<[string, Record<string, string>, RegExp]>([
    [
      'a user without a mechanism',
      { KAFKA_SASL_USERNAME: 'u' },
      /USERNAME: has no effect unless KAFKA_SASL_MECH/,
    ],
    ['a mechanism without a user', { KAFKA_SASL_MECHANISM: 'PLAIN' }, /PASSWORD: expected with PLAIN/],
    ['what another mechanism uses', { ...plain, KAFKA_SASL_TOKEN: 't' }, /TOKEN: has no effect with PLAIN/],
    ['no token at all', { KAFKA_SASL_MECHANISM: 'OAUTHBEARER' }, /expected one of them with OAUTHBEARER/],
    ['both kinds of token', { ...oauth, KAFKA_SASL_TOKEN: 't' }, /no effect where tokens are fetched/],
    ['half a client', { ...oauth, KAFKA_SASL_OAUTH_CLIENT_ID: '' }, /CLIENT_ID: expected with the other/],
    [
      'a secret for all to read',
      { ...oauth, KAFKA_SASL_OAUTH_TOKEN_URL: 'http://login.example/' },
      /an https: URL/,
    ],
    [
      'a secret in a URL',
      { ...oauth, KAFKA_SASL_OAUTH_TOKEN_URL: 'https://u:p@login.example/' },
      /an https: URL/,
    ],
    ['extensions of no shape', { ...oauth, KAFKA_SASL_OAUTH_EXTENSIONS: 'a=1,auth=x' }, /name=value pairs/],
    [
      'IAM without a region',
      { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM', KAFKA_TLS: 'true' },
      /AWS_REGION: expected/,
    ],
    [
      'IAM without TLS',
      { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM', AWS_REGION: 'eu-west-1' },
      /KAFKA_TLS: expected true/,
    ],
    ['a secret twice', { ...plain, KAFKA_SASL_PASSWORD_FILE: '/etc/hostname' }, /expected one of them/],
    [
      'a file that is not there',
      { ...plain, KAFKA_SASL_PASSWORD: '', KAFKA_SASL_PASSWORD_FILE: '/nowhere/password' },
      /PASSWORD_FILE: expected the path of a readable file/,
    ],
    [
      'a key password without a key',
      { KAFKA_TLS: 'true', KAFKA_TLS_KEY_PASSWORD: 'x' },
      /without KAFKA_TLS_KEY_FILE/,
    ],
  ])('stop the start where there is %s, and say no secret', (_what, env, problem) => {
    const problems = problemsOf(env)
    expect(problems).toContainEqual(expect.stringMatching(problem))
    expect(problems.join()).not.toContain('hush')
  })

  it('stop the start where certificate and key do not belong together or the key cannot be opened', () => {
    const authority = new TestAuthority()
    const { cert, key, encryptedKey } = authority.issue('one')
    const other = authority.issue('other')
    const tls = { KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: cert }
    const junk = join(authority.dir, 'junk')
    writeFileSync(junk, 'no PEM')
    expect(problemsOf({ ...tls, KAFKA_TLS_KEY_FILE: key })).toEqual([])
    expect(
      problemsOf({ ...tls, KAFKA_TLS_KEY_FILE: encryptedKey, KAFKA_TLS_KEY_PASSWORD: KEY_PASSWORD }),
    ).toEqual([])
    const reasons = [
      [{ KAFKA_TLS_KEY_FILE: other.key }, 'expected a certificate and its own key'],
      [{ KAFKA_TLS_KEY_FILE: encryptedKey }, 'KAFKA_TLS_KEY_PASSWORD where it is encrypted'],
      [{ KAFKA_TLS_KEY_FILE: encryptedKey, KAFKA_TLS_KEY_PASSWORD: 'hush' }, 'KAFKA_TLS_KEY_PASSWORD where'],
      [{ KAFKA_TLS_KEY_FILE: junk }, 'expected a PEM key'],
      [{ KAFKA_TLS_KEY_FILE: key, KAFKA_TLS_CA_FILE: junk }, 'KAFKA_TLS_CA_FILE: expected a PEM certificate'],
      [{}, 'expected both or neither'],
    ] as const
    for (const [env, reason] of reasons) {
      expect(problemsOf({ ...tls, ...env })).toContainEqual(expect.stringContaining(reason))
    }
  })

  it('warn where a secret would go unencrypted, and AWS_REGION serves where there is no other', () => {
    expect(loadConfig(plain).warnings).toEqual([expect.stringContaining('unencrypted')])
    expect(loadConfig({ ...plain, KAFKA_TLS: 'true' }).warnings).toEqual([])
    const iam = { KAFKA_TLS: 'true', KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM', AWS_REGION: 'us-gov-west-1' }
    expect(loadConfig(iam).kafka.sasl).toEqual({ mechanism: 'AWS_MSK_IAM', region: 'us-gov-west-1' })
  })

  it('give no secret away when they are printed whole', async () => {
    const file = join(temporaryDir(), 'secret')
    writeFileSync(file, 'hush\n')
    const inFile = { ...oauth, KAFKA_SASL_OAUTH_CLIENT_SECRET: '', KAFKA_SASL_OAUTH_CLIENT_SECRET_FILE: file }
    for (const env of [plain, oauth, inFile]) {
      const { kafka } = loadConfig(env)
      expect(JSON.stringify(kafka) + inspect(kafka, { depth: 9, showHidden: true })).not.toContain('hush')
    }
    const { sasl } = loadConfig(inFile).kafka
    const { token } = sasl as { token: { clientSecret: { read(): Promise<string> } } }
    expect(await token.clientSecret.read()).toBe('hush')
  })
})
