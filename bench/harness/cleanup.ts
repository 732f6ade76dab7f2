/** What has to be undone when the run ends, however it ends: the newest first. */
export class Cleanup {
  readonly #steps: (() => unknown)[] = []
  #running: Promise<void> | undefined

  /** True once the undoing has begun: what fails from then on fails for that reason. */
  get begun(): boolean {
    return this.#running !== undefined
  }

  add(step: () => unknown): void {
    this.#steps.push(step)
  }

  /** Undoes everything once; later calls wait for the same end. A step that fails does not keep the others from running. */
  run(): Promise<void> {
    this.#running ??= this.#undo()
    return this.#running
  }

  async #undo(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step()
      } catch (error) {
        console.error(`bench: cleaning up: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }
}
