import { existsSync, renameSync, rmSync } from 'node:fs'
import { smallJvm, startBroker } from './broker.ts'
import { classArchive } from './class-archive.ts'
import { ensureJars } from './jars.ts'
import { temporaryFolder } from './temporary-broker.ts'

/**
 * Keeps the classes, where that was not done before: starts a broker and stops it, which takes some seconds. For whoever
 * starts many.
 * @throws KafkaStartError, SetupError
 */
export async function ensureSharedClasses(java = 'java'): Promise<void> {
  const libs = await ensureJars()
  const archive = classArchive(libs, java)
  if (archive === undefined || existsSync(archive)) return
  const draft = `${archive}.${process.pid}`
  const folder = temporaryFolder()
  try {
    const broker = await startBroker({
      dir: folder.dir,
      libs,
      java,
      isTemporary: true,
      jvm: [...smallJvm, `-XX:ArchiveClassesAtExit=${draft}`],
    })
    await broker.stop()
    if (existsSync(draft)) renameSync(draft, archive)
  } finally {
    folder.remove()
    rmSync(draft, { force: true })
  }
}
