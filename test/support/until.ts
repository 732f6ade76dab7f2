import { setTimeout as pause } from 'node:timers/promises'

/** Waits until a condition holds. @throws where it does not within `ms` */
export async function until(condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms
  while (!(await condition())) {
    if (performance.now() > end)
      throw new Error(`it did not come to pass within ${ms} ms: ${condition.toString()}`)
    await pause(10)
  }
}
