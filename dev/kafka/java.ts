import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** The oldest Java that runs the broker. */
export const javaNeeded = 17

export interface Java {
  readonly command: string
  /** The major version: 17, 21, ... */
  readonly version: number
}

/** The machine's Java: that of JAVA_HOME, which Maven takes too, else the one on the PATH; undefined where none runs. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java | undefined> {
  const ofHome = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined
  const command = ofHome !== undefined && isExecutable(ofHome) ? ofHome : 'java'
  try {
    const { stderr } = await promisify(execFile)(command, ['-version'], { env, timeout: 20_000 })
    const version = parseJavaVersion(stderr)
    return version === undefined ? undefined : { command, version }
  } catch {
    return undefined
  }
}

/** The major version in what `java -version` prints; Java 8 and older call themselves 1.8 and so on. */
export function parseJavaVersion(text: string): number | undefined {
  const [, first, second] = /version "(\d+)(?:\.(\d+))?/.exec(text) ?? []
  if (first === undefined) return undefined
  return Number(first === '1' ? second : first)
}

/** Whether a command is on the PATH. */
export function isOnPath(command: string, env: NodeJS.ProcessEnv): boolean {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => isExecutable(join(folder, command)))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
