import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The levels of features that a new cluster begins with: the same for every one of a Kafka's version. */
const CHECKPOINT = 'bootstrap.checkpoint'

function original(libs: string): string {
  return join(libs, '..', CHECKPOINT)
}

/**
 * Formats a new data folder as Kafka's own tool did another one of this Kafka before, without a JVM, which takes a second of
 * processor time. Does nothing where none was kept: the tool does it then.
 */
export function formatAlike(
  libs: string,
  dataDir: string,
  { nodeId, clusterId }: { readonly nodeId: number; readonly clusterId: string },
): void {
  if (!existsSync(original(libs))) return
  mkdirSync(dataDir, { recursive: true })
  copyFileSync(original(libs), join(dataDir, CHECKPOINT))
  // KIP-858: a folder has an id of its own, 16 random bytes.
  const directoryId = randomBytes(16).toString('base64url')
  const properties = { version: 1, 'cluster.id': clusterId, 'node.id': nodeId, 'directory.id': directoryId }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(join(dataDir, 'meta.properties'), lines.join(''))
}

/** Keeps what the tool made of a folder, where that was not done before. */
export function keepFormat(libs: string, dataDir: string): void {
  const made = join(dataDir, CHECKPOINT)
  if (existsSync(original(libs)) || !existsSync(made)) return
  const draft = `${original(libs)}.${process.pid}`
  copyFileSync(made, draft)
  renameSync(draft, original(libs))
}
