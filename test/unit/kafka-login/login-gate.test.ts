import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LoginError } from '../../../src/kafka/errors.ts'
import { LoginGate } from '../../../src/kafka/login-gate.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** A gate, and logins at one broker that the test lets in or not. */
function gate() {
  const news: unknown[] = []
  const under: { accept: () => void; refuse: (error: Error) => void }[] = []
  const gate = new LoginGate((_broker, refusal) => news.push(refusal))
  const login = () =>
    new Promise<void>((accept, refuse) => {
      under.push({ accept, refuse })
    })
  const open = () => {
    const opening = gate.open('kafka:9092', login)
    opening.catch(() => {})
    return opening
  }
  return { gate, news, under, open, login }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
const refused = new LoginError('no')

describe('the gate of logins', () => {
  it('lets one try first: refused, the others are spared it, and so is everybody for a second', async () => {
    const { under, open, news } = gate()
    const openings = [open(), open(), open()]
    await turn()
    expect(under).toHaveLength(1)
    under[0]!.refuse(refused)
    for (const opening of openings) await expect(opening).rejects.toBe(refused)
    vi.advanceTimersByTime(990)
    await expect(open()).rejects.toBe(refused)
    expect(under).toHaveLength(1)
    vi.advanceTimersByTime(20)
    const again = open()
    await turn()
    under[1]!.accept()
    await again
    expect(news).toEqual([refused, undefined])
  })

  it('lets all in side by side once one was', async () => {
    const { under, open } = gate()
    const openings = [open(), open(), open()]
    await turn()
    under[0]!.accept()
    await turn()
    expect(under).toHaveLength(3)
    for (const { accept } of under) accept()
    await Promise.all(openings)
    void open()
    void open()
    await turn()
    expect(under).toHaveLength(5)
  })

  it('waits no longer than a second for the first: a broker may be silent', async () => {
    const { under, open } = gate()
    void open()
    void open()
    await turn()
    vi.advanceTimersByTime(1_001)
    await turn()
    expect(under).toHaveLength(2)
  })

  it('takes a broker that is away for no refusal', async () => {
    const { under, open, news } = gate()
    const opening = open()
    await turn()
    under[0]!.refuse(new Error('away'))
    await expect(opening).rejects.toThrow('away')
    void open()
    await turn()
    expect([under.length, news]).toEqual([2, []])
  })

  it('keeps renewals, too, from a broker that refuses', async () => {
    const { gate: renewals, under, open, login } = gate()
    const opening = open()
    await turn()
    under[0]!.refuse(refused)
    await expect(opening).rejects.toBe(refused)
    await expect(renewals.renew('kafka:9092', login)).rejects.toBe(refused)
    expect(under).toHaveLength(1)
  })
})
