import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TokenSource } from '../../../src/kafka/sasl/token-source.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** A source of tokens that hold for 100 s; `fetched` counts them. */
function source() {
  const state = { fetched: 0, failing: false }
  const tokens = new TokenSource(() => {
    state.fetched++
    if (state.failing) return Promise.reject(new Error('down'))
    return Promise.resolve({ value: `token-${state.fetched}`, lifetimeMs: 100_000 })
  })
  return { state, tokens }
}

describe('a source of tokens', () => {
  it('fetches one for all who ask at once, and keeps it for three quarters of its life', async () => {
    const { state, tokens } = source()
    const got = await Promise.all(Array.from({ length: 50 }, () => tokens.get()))
    expect(new Set(got)).toEqual(new Set(['token-1']))
    vi.advanceTimersByTime(74_000)
    expect([await tokens.get(), state.fetched]).toEqual(['token-1', 1])
    vi.advanceTimersByTime(1_001)
    expect(await tokens.get()).toBe('token-2')
  })

  it('gives the one it has while no new one can be had, until it expires', async () => {
    const { state, tokens } = source()
    await tokens.get()
    state.failing = true
    vi.advanceTimersByTime(99_000)
    expect(await tokens.get()).toBe('token-1')
    vi.advanceTimersByTime(1_001)
    await expect(tokens.get()).rejects.toThrow('down')
    state.failing = false
    vi.advanceTimersByTime(1_000)
    expect(await tokens.get()).toBe('token-4')
  })

  it('asks no more than once a second while it is refused', async () => {
    const { state, tokens } = source()
    state.failing = true
    for (let ms = 0; ms < 3_000; ms += 100) {
      await expect(tokens.get()).rejects.toThrow('down')
      vi.advanceTimersByTime(100)
    }
    expect(state.fetched).toBe(3)
  })

  it('gets another where the broker refused the one it gave', async () => {
    const { tokens } = source()
    tokens.refused(await tokens.get())
    expect(await tokens.get()).toBe('token-2')
    tokens.refused('token-1')
    expect(await tokens.get()).toBe('token-2')
  })
})
