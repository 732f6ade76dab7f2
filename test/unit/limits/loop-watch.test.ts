import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { LoopWatch } from '../../../src/limits/loop-watch.ts'

function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

describe('the event loop', () => {
  it('is late when it came too late twice in a row, not once, and not once it is in time again', async () => {
    const watch = new LoopWatch(100)
    watch.start()
    onTestFinished(() => watch.stop())
    busy(300)
    await pause(0)
    expect(watch.delayMs).toBeGreaterThan(100)
    expect(watch.isLate).toBe(false)
    busy(300)
    await pause(0)
    expect(watch.isLate).toBe(true)
    await expect.poll(() => watch.isLate, { interval: 10 }).toBe(false)
  })

  it('is never late where any delay is put up with', async () => {
    const watch = new LoopWatch(0)
    watch.start()
    onTestFinished(() => watch.stop())
    for (let i = 0; i < 2; i++) {
      busy(250)
      await pause(0)
    }
    expect(watch.delayMs).toBeGreaterThan(100)
    expect(watch.isLate).toBe(false)
  })
})
