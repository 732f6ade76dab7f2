import { describe, expect, it } from 'vitest'
import { negotiate } from '../../src/routes/accept.ts'

const types = ['application/json', 'application/x-ndjson', 'text/event-stream'] as const

describe('negotiate', () => {
  it.each([
    [undefined, 'application/json'],
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['application/*', 'application/json'],
    ['text/*', 'text/event-stream'],
    ['Application/JSON', 'application/json'],
    ['application/json; charset=utf-8', 'application/json'],
    ['application/x-ndjson', 'application/x-ndjson'],
    ['text/html, application/xhtml+xml, */*;q=0.8', 'application/json'],
    ['application/json;q=0.1, text/event-stream;q=0.9', 'text/event-stream'],
    ['application/json;q=0, */*', 'application/x-ndjson'],
    ['*/*;q=0, text/event-stream', 'text/event-stream'],
    ['application/*;q=0.5, application/x-ndjson', 'application/x-ndjson'],
    ['nonsense, application/json', 'application/json'],
  ])('of %s gives %s', (accept, expected) => {
    expect(negotiate(accept, types)).toBe(expected)
  })

  it.each([
    'text/html',
    'application/json;q=0',
    '*/*;q=0',
    'application/json;q=2',
    'nonsense',
    'image/*',
    '*/json',
  ])('of %s gives nothing', (accept) => {
    expect(negotiate(accept, types)).toBeUndefined()
  })
})
