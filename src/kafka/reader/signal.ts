/** Wakes one waiter. Raised while nobody waits it is forgotten: check the condition, then wait, with no await between. */
export class Signal {
  #wake: (() => void) | undefined

  raise(): void {
    this.#wake?.()
  }

  /** Resolves at the next raise, or after `ms`. */
  wait(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => this.#wake?.(), ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }
}
