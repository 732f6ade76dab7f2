import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Guard } from '../../../src/auth/guard.ts'
import { parsePolicy } from '../../../src/auth/policy-document.ts'
import { anonymous, type Principal } from '../../../src/auth/principal.ts'
import { NO_LIMITS } from '../../../src/limits/caller-limits.ts'
import { Limiter } from '../../../src/limits/limiter.ts'
import { Problem } from '../../../src/problems/problem.ts'

const principal = (name: string, roles: readonly string[] = []): Principal => ({
  name,
  roles,
  expiresAt: undefined,
  isCurrent: () => true,
})

/** As much of a request as its sender's address is found in. */
const from = (remoteAddress: string) =>
  ({ socket: { remoteAddress }, headers: {} }) as unknown as IncomingMessage

function guardOf(policy: string): Guard {
  const guard = new Guard({})
  guard.replacePolicy(parsePolicy(policy))
  return guard
}

describe('the limits of a policy', () => {
  const guard = guardOf(`
roles: { batch: ['key:night'] }
rules: []
limits:
  - { to: ['key:billing'], requestsPerSecond: 0, streams: 5 }
  - { to: ['role:batch', anonymous], bytesPerSecond: 1000, readBytesPerSecond: 70 }
  - { to: ['*'], requestsPerSecond: 20, streams: 2 }
`)
  const general = { ...NO_LIMITS, requestsPerSecond: 9, bytesPerSecond: 9 }
  const limiter = new Limiter(guard, general, 1)
  const of = (who: Principal) => limiter.of(who, from('192.0.2.7'))!.limits

  it('are each the first that speaks to the principal, and otherwise those of the settings', () => {
    const batch = { requestsPerSecond: 20, bytesPerSecond: 1_000, readBytesPerSecond: 70, streams: 2 }
    expect(of(principal('key:billing'))).toEqual({ ...general, requestsPerSecond: 0, streams: 5 })
    expect(of(principal('key:night'))).toEqual(batch)
    expect(of(principal('user:eve', ['batch']))).toEqual(batch)
    expect(of(anonymous)).toEqual({ ...general, bytesPerSecond: 1_000, readBytesPerSecond: 70 })
  })

  it('are looked up anew for a token with other roles', () => {
    expect(of(principal('user:tom')).bytesPerSecond).toBe(9)
    expect(of(principal('user:tom', ['batch'])).bytesPerSecond).toBe(1_000)
    expect(of(principal('user:tom')).bytesPerSecond).toBe(9)
  })

  it.each([
    [
      'limits: [{ to: ["*"] }]',
      'expected at least one of requestsPerSecond, bytesPerSecond, readBytesPerSecond and streams',
    ],
    ['limits: [{ to: ["*"], requestsPerSecond: -1 }]', 'limits.0.requestsPerSecond'],
    ['limits: [{ to: ["*"], streams: many }]', 'limits.0.streams'],
    ['limits: [{ to: [billing], streams: 1 }]', 'limits.0.to.0'],
    ['limits: [{ to: ["*"], rate: 1 }]', 'limits.0'],
  ])('are refused where they say nothing that is understood: %s', (text, where) => {
    expect(() => parsePolicy(`rules: []\n${text}`)).toThrow(where)
  })
})

describe('callers', () => {
  it('are counted apart by principal, and by address where they have shown nothing', () => {
    const limiter = new Limiter(new Guard(), { ...NO_LIMITS, requestsPerSecond: 1 }, 1)
    const take = (who: Principal | undefined, address: string) => {
      try {
        limiter.of(who, from(address))!.takeRequest(0, performance.now())
        return 'served'
      } catch (error) {
        return (error as Problem).code
      }
    }
    expect(take(principal('key:a'), '192.0.2.1')).toBe('served')
    expect(take(principal('key:a'), '192.0.2.2')).toBe('rate_limited')
    expect(take(principal('key:b'), '192.0.2.2')).toBe('served')
    expect(take(undefined, '192.0.2.2')).toBe('served')
    expect(take(anonymous, '::ffff:192.0.2.2')).toBe('rate_limited')
    expect(take(undefined, '2001:db8::1')).toBe('served')
    expect(take(undefined, '2001:db8::2')).toBe('rate_limited')
  })

  it('are not remembered without bound, and none that has a stream is forgotten', () => {
    const limiter = new Limiter(new Guard(), { ...NO_LIMITS, requestsPerSecond: 1, streams: 1 }, 1)
    const first = limiter.of(undefined, from('10.0.0.0'))!
    first.takeStream()
    for (let i = 1; i < 60_000; i++) {
      const address = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
      limiter.of(undefined, from(address))!.takeRequest(0, performance.now())
    }
    expect(limiter.size).toBeLessThanOrEqual(20_000)
    expect(limiter.of(undefined, from('10.0.0.0'))).toBe(first)
    expect(() => first.checkStream()).toThrow(Problem)
  })

  it('have no allowance where nobody has a limit', () => {
    const limiter = new Limiter(new Guard(), NO_LIMITS, 1)
    expect(limiter.isOn).toBe(false)
    expect(limiter.of(principal('key:a'), from('192.0.2.1'))).toBeUndefined()
  })
})
