import { describe, expect, it } from 'vitest'
import { isAllowedOrigin } from '../../src/http/allowed-origin.ts'

const host = 'gateway.example:8080'

describe('isAllowedOrigin', () => {
  it.each([
    ['http://gateway.example:8080', 'the own origin'],
    ['https://gateway.example:8080', 'the own origin behind TLS'],
    ['http://localhost:3000', 'a page from this machine'],
    ['https://127.0.0.1', 'a page from this machine'],
    ['http://[::1]:5173', 'a page from this machine'],
    ['https://app.example', 'a listed one'],
  ])('lets %s in: %s', (origin) => {
    expect(isAllowedOrigin(origin, host, ['https://app.example'])).toBe(true)
  })

  it.each([
    ['null', 'a sandboxed frame, a file'],
    ['', 'nothing'],
    ['https://evil.example', 'another site'],
    ['http://app.example', 'the scheme is another'],
    ['https://app.example:8443', 'the port is another'],
    ['https://app.example.evil.example', 'a listed one is only its beginning'],
    ['https://evil.example/https://app.example', 'a listed one is only its end'],
    ['http://localhost.evil.example', 'localhost is only its beginning'],
    ['http://localhost@evil.example', 'localhost is only its user'],
    ['http://127.0.0.1.evil.example', 'an address is only its beginning'],
    ['http://gateway.example', "the port is not the gateway's"],
    ['capacitor://localhost', 'an app on a phone calls itself localhost too'],
    ['https://app.example https://evil.example', 'two'],
  ])('keeps %j out: %s', (origin) => {
    expect(isAllowedOrigin(origin, host, ['https://app.example'])).toBe(false)
  })

  it('lets nobody in for an absent Host header', () => {
    expect(isAllowedOrigin('http://gateway.example:8080', undefined, [])).toBe(false)
  })

  it('lets every site in where * is listed, and null with it', () => {
    expect(isAllowedOrigin('https://evil.example', host, ['*'])).toBe(true)
    expect(isAllowedOrigin('null', host, ['*'])).toBe(true)
  })
})
