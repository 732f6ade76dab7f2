import { createHash, createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { expect, it, vi } from 'vitest'
import '../../../src/gateway.ts'
import { signMskToken } from '../../../src/kafka/sasl/msk-iam-token.ts'

const KEY_ID = 'AKIDEXAMPLE'
const KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

/** The signature that AWS would compute for the request (Signature Version 4), with the key as the test knows it. */
function signatureOf(url: URL): string {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const parts = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature' && name !== 'User-Agent')
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
  const request = ['GET', '/', parts.join('&'), `host:${url.host}`, '', 'host', sha256('')].join('\n')
  const [, ...scope] = url.searchParams.get('X-Amz-Credential')!.split('/')
  const time = url.searchParams.get('X-Amz-Date')!
  const toSign = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(request)].join('\n')
  const key = scope.reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${KEY}`)
  return hmac(key, toSign).toString('hex')
}

const loaded = () =>
  Object.keys(createRequire(import.meta.url).cache).filter((path) =>
    /aws-msk-iam|@aws-sdk|@smithy/.test(path),
  )

it('signs a request to connect to MSK with the credentials of the environment, by a package nobody else loads', async () => {
  expect(loaded(), 'what the gateway alone has loaded of AWS').toEqual([])
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEY_ID)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEY)
  const { value, lifetimeMs } = await signMskToken('eu-west-1')
  expect(loaded().length).toBeGreaterThan(0)
  expect(value).toMatch(/^[\w-]+$/)
  const url = new URL(Buffer.from(value, 'base64url').toString())
  expect(url.origin).toBe('https://kafka.eu-west-1.amazonaws.com')
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    Action: 'kafka-cluster:Connect',
    'X-Amz-Expires': '900',
    'X-Amz-Credential': expect.stringMatching(/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/kafka-cluster\/aws4_request$/),
    'X-Amz-Signature': signatureOf(url),
  })
  expect(lifetimeMs).toBeGreaterThan(890_000)
  expect(lifetimeMs).toBeLessThanOrEqual(900_000)
})
