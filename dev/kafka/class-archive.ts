import { createHash } from 'node:crypto'
import { existsSync, realpathSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Where the classes of a started broker are kept, as this Java has them in memory: a broker that maps them (application
 * class data sharing, JEP 310 and 350) starts with two thirds of the work. Undefined where Java's file isn't found.
 */
export function classArchive(libs: string, java: string): string | undefined {
  const file = [java, ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, java))].find(
    (path) => existsSync(path) && statSync(path).isFile(),
  )
  if (file === undefined) return undefined
  // One Java takes no archive of another, and without any it starts more slowly than with its own.
  const identity = realpathSync(file)
  const hash = createHash('sha256')
    .update(`${identity} ${statSync(identity).mtimeMs}`)
    .digest('hex')
  return join(libs, '..', `classes-${hash.slice(0, 8)}.jsa`)
}

/** What has Java map the classes, where they are kept; nothing else depends on it. */
export function sharedClasses(libs: string, java: string): readonly string[] {
  const archive = classArchive(libs, java)
  return archive !== undefined && existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
}
