import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, type BrokerOptions, startBroker } from './broker.ts'
import { onOrphaned, removeFolder } from './orphan-guard.ts'

/** A folder of its own below the system's temporary one, removed when released or when our process dies. */
export function temporaryFolder(): { readonly dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-kafka-'))
  const guard = onOrphaned(removeFolder, dir)
  return {
    dir,
    remove() {
      guard.release()
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/**
 * One broker on a free port with nothing in it. `stop()` kills it and removes its data; so does the end of our process.
 * `broker` is for tests that pause, kill or restart it.
 */
export async function startTemporaryBroker(
  options: Pick<BrokerOptions, 'port' | 'listeners' | 'configs' | 'jvm'> = {},
): Promise<{ readonly bootstrap: string; readonly broker: Broker; stop(): Promise<void> }> {
  const folder = temporaryFolder()
  try {
    const broker = await startBroker({ dir: folder.dir, isTemporary: true, ...options })
    return {
      bootstrap: broker.bootstrap,
      broker,
      async stop() {
        // Nothing in it is wanted any more, so there is nothing to end in order.
        await broker.kill9()
        folder.remove()
      },
    }
  } catch (error) {
    folder.remove()
    throw error
  }
}
