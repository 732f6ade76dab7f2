import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { isAllowedHost } from '../../src/http/allowed-host.ts'

const listed = ['gateway.internal', '.example.com', '[fd00::1]']

describe('isAllowedHost', () => {
  it.each([
    'localhost',
    'LocalHost:8080',
    'localhost.:8080',
    'app.localhost',
    '127.0.0.1:8080',
    '127.1.2.3',
    '[::1]:8080',
    'gateway.internal:8080',
    'Gateway.Internal.',
    'example.com',
    'a.b.example.com:80',
    '[fd00::1]:8080',
  ])('lets %s in', (host) => {
    expect(isAllowedHost(host, listed)).toBe(true)
  })

  it.each([
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil-localhost',
    'gateway.internal.evil.example',
    'evilexample.com',
    'example.com.evil.example',
    '0.0.0.0',
    '[::]',
    '10.0.0.1',
    '2130706433',
  ])('keeps %j out', (host) => {
    expect(isAllowedHost(host, listed)).toBe(false)
  })

  it('lets any in where * is listed', () => {
    expect(isAllowedHost('evil.example', ['*'])).toBe(true)
  })
})

describe('the hosts that a configuration allows', () => {
  const hostsOf = (env: Record<string, string>) =>
    loadConfig({ KAFKA_BROKERS: 'k:9092', ...env }).allowedHosts
  const files = { SLUICE_POLICY_FILE: 'policy.yaml', SLUICE_API_KEYS_FILE: 'keys.json' }

  it('are those of this machine where nobody has to show who they are', () => {
    expect(hostsOf({})).toEqual(['127.0.0.1'])
    expect(hostsOf({ SLUICE_INSECURE: 'true' })).toEqual(['127.0.0.1'])
  })

  it('are any where callers show who they are, or others can reach the gateway', () => {
    expect(hostsOf(files)).toEqual(['*'])
    expect(hostsOf({ SLUICE_HOST: '0.0.0.0', SLUICE_INSECURE: 'true' })).toEqual(['*'])
  })

  it('are those that are listed, wherever any are', () => {
    const listed = { SLUICE_ALLOWED_HOSTS: 'Gateway.internal, .example.com' }
    const open: Record<string, string> = { SLUICE_HOST: '0.0.0.0', SLUICE_INSECURE: 'true' }
    for (const env of [{}, files, open])
      expect(hostsOf({ ...env, ...listed }).slice(0, 2)).toEqual(['gateway.internal', '.example.com'])
  })

  it.each(['https://gateway.internal', 'gateway.internal:8080', '*.example.com', 'a b', '..'])(
    'are not %s',
    (host) => {
      expect(() => hostsOf({ SLUICE_ALLOWED_HOSTS: host })).toThrow('SLUICE_ALLOWED_HOSTS: expected')
    },
  )
})
