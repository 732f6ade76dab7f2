import { OutputClosed } from '../errors.ts'

let closed = false
let begun = false

/** Whether anything has been written. */
export function hasWritten(): boolean {
  return begun
}

/** What is written to standard output. Once its reader has gone, all of it fails with OutputClosed. */
process.stdout.on('error', () => {
  closed = true
})

/**
 * Writes to standard output and waits until it is taken: by then it is printed, or in the pipe.
 * @throws OutputClosed
 */
export function write(text: string | Uint8Array): Promise<void> {
  if (closed) return Promise.reject(new OutputClosed())
  begun = true
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error) {
        closed = true
        reject(new OutputClosed())
      } else resolve()
    })
  })
}
