import { describe, expect, it } from 'vitest'
import type { ConfigError } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/config.ts'

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    return (error as ConfigError).problems
  }
}

const auth = { SLUICE_API_KEYS_FILE: 'keys.json', SLUICE_POLICY_FILE: 'policy.yaml' }

describe('the gateway', () => {
  it.each(['0.0.0.0', '::', '192.168.0.7', 'gateway.example', '127.example'])(
    'does not listen on %s for everybody, unless it is told so in so many words',
    (host) => {
      expect(problemsOf({ SLUICE_HOST: host })).toEqual([
        expect.stringMatching(/^SLUICE_HOST: .*SLUICE_INSECURE=true/),
      ])
      expect(problemsOf({ SLUICE_HOST: host, SLUICE_INSECURE: 'true' })).toEqual([])
      expect(problemsOf({ SLUICE_HOST: host, ...auth })).toEqual([])
    },
  )

  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost'])('listens on %s as it is', (host) => {
    expect(problemsOf({ SLUICE_HOST: host })).toEqual([])
  })
})

it.each([
  [{ SLUICE_API_KEYS_FILE: 'keys.json' }, /^SLUICE_POLICY_FILE: expected, since without rules/],
  [{ SLUICE_POLICY_FILE: 'policy.yaml' }, /^SLUICE_POLICY_FILE: expected with a way to show who one is/],
  [{ ...auth, SLUICE_JWT_ISSUERS: 'https://id.example' }, /^SLUICE_JWT_AUDIENCE: expected/],
  [{ ...auth, SLUICE_JWT_ISSUERS: 'id.example' }, /^SLUICE_JWT_ISSUERS: expected a URL/],
  [{ SLUICE_TLS_CERT_FILE: 'a.pem' }, /^SLUICE_TLS_CERT_FILE, SLUICE_TLS_KEY_FILE: expected both/],
  [
    { ...auth, SLUICE_TLS_CLIENT_CA_FILE: 'ca.pem' },
    /^SLUICE_TLS_CLIENT_CA_FILE: expected with SLUICE_TLS_CERT_FILE/,
  ],
])('settings that do not fit together are said: %j', (env, expected) => {
  expect(problemsOf(env).join('\n')).toMatch(expected)
})
