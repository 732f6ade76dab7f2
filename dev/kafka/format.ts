import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { KafkaStartError, lastWord } from './readiness.ts'

/** A cluster id as Kafka makes them: 16 random bytes, base64url; one that begins with `-` would pass for an option. */
export function newClusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? newClusterId() : id
}

/**
 * Makes a new data folder one that Kafka takes, by Kafka's own tool.
 * @throws KafkaStartError
 */
export async function formatData(options: {
  java: string
  libs: string
  jvm: readonly string[]
  properties: string
  logFile: string
  clusterId: string
  signal?: AbortSignal
}): Promise<void> {
  const { java, libs, jvm, properties, logFile, clusterId, signal } = options
  const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]
  try {
    const { stdout, stderr } = await promisify(execFile)(java, [...jvm, '-cp', join(libs, '*'), ...tool], {
      signal,
    })
    appendFileSync(logFile, stdout + stderr)
  } catch (error) {
    signal?.throwIfAborted()
    const { stdout = '', stderr = String(error) } = error as { stdout?: string; stderr?: string }
    appendFileSync(logFile, stdout + stderr)
    throw new KafkaStartError('could not format its data folder', lastWord(logFile), logFile)
  }
}
