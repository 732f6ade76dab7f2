import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FileError } from '../../../src/auth/file-error.ts'
import { cluster, group, operations, type Resource, topic } from '../../../src/auth/policy.ts'
import { parsePolicy } from '../../../src/auth/policy-document.ts'
import { anonymous, type Principal } from '../../../src/auth/principal.ts'

const principal = (name: string, more: Partial<Principal> = {}): Principal => ({
  name,
  roles: [],
  expiresAt: undefined,
  isCurrent: () => true,
  ...more,
})

const policy = parsePolicy(`
roles:
  payments: [key:billing, user:ann]
rules:
  - name: billing reads orders
    to: [role:payments]
    allow: [consume]
    topics: [orders, orders.*]
    groups: [billing*]
  - name: nobody deletes
    to: ['*']
    deny: [delete]
    topics: ['*']
  - { name: operators, to: ['role:ops'], allow: [all], topics: ['*'], groups: ['*'], cluster: true }
  - { name: status page, to: [anonymous], allow: [consume], topics: [status] }
  - { name: people may look, to: ['user:*'], allow: [describe], topics: ['*'] }
`)
const billing = principal('key:billing')
const operator = principal('user:eve', { roles: ['ops'] })

describe('a policy', () => {
  it('allows nothing that no rule allows', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(...operations), (name, operation) => {
        expect(policy.allows(principal('key:stranger'), operation, topic(name))).toBe(false)
      }),
    )
    expect(policy.allows(billing, 'admin', cluster)).toBe(false)
    expect(policy.allows(billing, 'consume', group('shipping'))).toBe(false)
  })

  it('names the rule that decided, for principals by name and by role, topics by name and by prefix', () => {
    const decided = (who: Principal, operation: (typeof operations)[number], what: Resource) =>
      policy.decide(who, operation, what).rule?.name
    expect(decided(billing, 'consume', topic('orders'))).toBe('billing reads orders')
    expect(decided(principal('user:ann'), 'consume', topic('orders.eu'))).toBe('billing reads orders')
    expect(decided(billing, 'consume', topic('orders2'))).toBeUndefined()
    expect(decided(billing, 'consume', group('billing-2'))).toBe('billing reads orders')
    expect(decided(operator, 'admin', cluster)).toBe('operators')
    expect(decided(principal('user:bob'), 'describe', topic('any'))).toBe('people may look')
  })

  it('lets a rule that denies win over all that allow', () => {
    const { allowed, rule } = policy.decide(operator, 'delete', topic('orders'))
    expect({ allowed, rule: rule?.name }).toEqual({ allowed: false, rule: 'nobody deletes' })
    expect(policy.allows(operator, 'delete', group('g'))).toBe(true)
  })

  it('lets whoever may do something to a topic see it, and no more', () => {
    expect(policy.allows(billing, 'describe', topic('orders'))).toBe(true)
    expect(policy.allows(billing, 'produce', topic('orders'))).toBe(false)
    expect(policy.allows(billing, 'describe', topic('invoices'))).toBe(false)
  })

  it('does not count one that has shown nothing among everybody', () => {
    expect(policy.allows(anonymous, 'consume', topic('status'))).toBe(true)
    expect(policy.allows(anonymous, 'consume', topic('orders'))).toBe(false)
    expect(policy.decide(anonymous, 'delete', topic('status')).rule).toBeUndefined()
    expect(policy.admitsAnonymous).toBe(true)
  })

  it("keeps Kafka's own topics from everybody", () => {
    expect(policy.allows(operator, 'consume', topic('__consumer_offsets'))).toBe(false)
    expect(policy.allows(operator, 'consume', topic('_sluice_secrets'))).toBe(false)
  })

  it('lets the scopes of a key narrow what rules allow, never widen it', () => {
    const reader = principal('user:eve', { roles: ['ops'], scopes: new Set(['consume'] as const) })
    expect(policy.allows(reader, 'consume', topic('orders'))).toBe(true)
    expect(policy.allows(reader, 'describe', topic('orders'))).toBe(true)
    expect(policy.allows(reader, 'produce', topic('orders'))).toBe(false)
    expect(policy.allows(principal('key:x', { scopes: new Set(operations) }), 'produce', topic('a'))).toBe(
      false,
    )
  })
})

describe('a policy that can not be used', () => {
  it.each([
    ['rules: [', /^line 1: /],
    ['rules: {}', /^rules: expected a list$/],
    ['{}', /^rules: is missing/],
    ['rules: [{ to: [key:a], allow: [consume] }]', /^rules\.0: expected at least one of topics/],
    ['rules: [{ to: [key:a], allow: [read], topics: [a] }]', /^rules\.0\.allow\.0: expected/],
    ['rules: [{ to: [key:a], allow: [consume], deny: [produce], topics: [a] }]', /either allow or deny/],
    ['rules: [{ to: [billing], allow: [consume], topics: [a] }]', /^rules\.0\.to\.0: expected key:ID/],
    ["rules: [{ to: [key:a], allow: [consume], topics: ['a*b'] }]", /a prefix that ends in \*/],
    ['rules: [{ to: [key:a], alow: [consume], topics: [a] }]', /./],
  ])('says where and what was expected: %s', (text, expected) => {
    let problems: readonly string[] = []
    try {
      parsePolicy(text)
    } catch (error) {
      problems = (error as FileError).problems
    }
    expect(problems.join('\n')).toMatch(expected)
  })
})

it('takes a role for a member of a role, whichever comes first', () => {
  const nested = parsePolicy(`
roles: { restricted: ['role:interns'], interns: ['key:x'] }
rules:
  - { to: ['*'], allow: [consume], topics: ['*'] }
  - { to: ['role:restricted'], deny: [consume], topics: [payroll] }
`)
  expect(nested.allows(principal('key:x'), 'consume', topic('payroll'))).toBe(false)
  expect(nested.allows(principal('key:y'), 'consume', topic('payroll'))).toBe(true)
})

it('keeps the groups that remember transactions from everybody', () => {
  expect(policy.allows(operator, 'consume', group('sluice-id-payment-42'))).toBe(false)
})
