import { describe, expect, it } from 'vitest'
import { FileError } from '../../../src/auth/file-error.ts'
import { formatApiKey, hashSecret, newSecret, parseApiKey } from '../../../src/auth/api-key.ts'
import { credentialsOf } from '../../../src/auth/credentials.ts'
import { type KeyFile, parseKeyFile } from '../../../src/auth/key-file.ts'
import { KeyStore } from '../../../src/auth/key-store.ts'

const stored = (secret: string, expiresAt: string | null = null) => ({
  hash: hashSecret(secret).toString('base64url'),
  createdAt: '2026-01-01T00:00:00Z',
  expiresAt,
})

function storeOf(...keys: KeyFile['keys']): KeyStore {
  const store = new KeyStore()
  store.replace(parseKeyFile(JSON.stringify({ keys })))
  return store
}

describe('an API key', () => {
  it('is the text that it was made as, and no other', () => {
    const key = { id: 'billing-2', secret: newSecret() }
    expect(parseApiKey(formatApiKey(key))).toEqual(key)
    for (const text of ['', 'sluice_a_short', `${formatApiKey(key)}x`, `sluice_A_${key.secret}`, key.secret])
      expect(parseApiKey(text), text).toBeUndefined()
  })

  it('counts while one of its two secrets does', () => {
    const [old, next] = [newSecret(), newSecret()]
    const store = storeOf({ id: 'a', secrets: [stored(old), stored(next)] })
    expect(store.find({ id: 'a', secret: old })?.name).toBe('key:a')
    const principal = store.find({ id: 'a', secret: next })
    store.replace({ keys: [{ id: 'a', secrets: [stored(next)] }] })
    expect(store.find({ id: 'a', secret: old })).toBeUndefined()
    expect(principal?.isCurrent()).toBe(true)
    store.replace({ keys: [] })
    expect(principal?.isCurrent()).toBe(false)
  })

  it('counts neither expired, nor with another secret, nor under another id', () => {
    const secret = newSecret()
    const store = storeOf(
      { id: 'a', secrets: [stored(secret, '2026-01-02T00:00:00Z')] },
      { id: 'b', secrets: [stored(newSecret())] },
    )
    expect(store.find({ id: 'a', secret })).toBeUndefined()
    expect(store.find({ id: 'b', secret })).toBeUndefined()
    expect(store.find({ id: 'c', secret })).toBeUndefined()
  })
})

it.each([
  ['{', 'the file is not JSON'],
  ['{"keys":[{"id":"A","secrets":[]}]}', 'keys.0.id: expected 1 to 64 of a-z 0-9 -'],
  ['{"keys":[{"id":"a","secrets":[]},{"id":"a","secrets":[]}]}', 'key a is there twice'],
])('a key file that can not be used says why: %s', (text, problem) => {
  expect(() => parseKeyFile(text)).toThrow(FileError)
  expect(() => parseKeyFile(text)).toThrow(problem)
})

describe('credentials of a request', () => {
  const of = (headers: Record<string, string>, url = '/') =>
    credentialsOf({ url, headers, method: 'GET' } as unknown as Parameters<typeof credentialsOf>[0])
  const key = `sluice_a_${newSecret()}`

  it('are never a cookie', () => {
    expect(of({ cookie: `authorization=${key}; token=${key}` })).toEqual({ kind: 'none' })
  })

  it.each([
    [{ authorization: `bearer ${key}` }, 'key'],
    [{ authorization: 'Bearer a.b.c' }, 'jwt'],
    [{ authorization: 'Bearer a.b.' }, 'jwt'],
    [{ authorization: `Bearer ${key} ${key}` }, 'unusable'],
    [{ authorization: `Token ${key}` }, 'unusable'],
    [{ authorization: 'Basic !!!' }, 'unusable'],
    [{ authorization: '' }, 'unusable'],
  ])('are of a kind that is taken, or unusable: %j', (headers, kind) => {
    expect(of(headers).kind).toBe(kind)
  })

  it.each([`?x=${key}`, '?token=a', '?a=b&Access_Token=c'])('are refused in a URL: %s', (query) => {
    expect(() => of({}, `/v1/topics${query}`)).toThrow(expect.objectContaining({ code: 'credential_in_url' }))
  })
})

it('what a key may do is found out anew where its roles or scopes have changed', () => {
  const secret = newSecret()
  const secrets = [stored(secret)]
  const store = storeOf({ id: 'a', roles: ['ops'], secrets })
  const principal = store.find({ id: 'a', secret })!
  store.replace({ keys: [{ id: 'a', roles: ['ops'], secrets }] })
  expect(principal.isCurrent()).toBe(true)
  store.replace({ keys: [{ id: 'a', secrets }] })
  expect(principal.isCurrent()).toBe(false)
})
