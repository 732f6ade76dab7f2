import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { quickJvm } from '../../../dev/kafka/broker.ts'
import { ensureJars } from '../../../dev/kafka/jars.ts'

const consumers = {
  classic: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  consumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  share: 'org.apache.kafka.tools.consumer.ConsoleShareConsumer',
} as const

export interface ConsoleConsumer {
  /** Ends it as Ctrl-C would: it commits and leaves. */
  stop(): Promise<void>
}

/**
 * Kafka's own console consumer as a member of a group of some type. It is stopped when the test ends. It reads from the
 * beginning, and this resolves when it has printed a record, so the topic needs one; but that of a share group begins at
 * the end, and this resolves when it has been started.
 */
export async function startConsoleConsumer(
  type: keyof typeof consumers,
  options: { group: string; topic: string; bootstrap: string; properties?: Record<string, string> },
): Promise<ConsoleConsumer> {
  const libs = await ensureJars({ pom: join(import.meta.dirname, 'pom.xml') })
  const { group, topic, bootstrap } = options
  const properties = { ...(type === 'share' ? {} : { 'group.protocol': type }), ...options.properties }
  const java = spawn('java', [
    ...['-Xmx128m', ...quickJvm, '-cp', join(libs, '*'), consumers[type]],
    ...['--bootstrap-server', bootstrap, '--topic', topic, '--group', group],
    ...(type === 'share' ? [] : ['--from-beginning']),
    ...Object.entries(properties).flatMap(([name, value]) => ['--command-property', `${name}=${value}`]),
  ])
  const ended = once(java, 'exit')
  const consumer = {
    stop: async () => {
      java.kill('SIGTERM')
      await ended
    },
  }
  onTestFinished(() => consumer.stop())
  java.stderr.resume()
  const lines = createInterface(java.stdout)
  if (type === 'share') return consumer
  await Promise.race([
    once(lines, 'line'),
    ended.then(() => Promise.reject(new Error('the console consumer ended by itself'))),
  ])
  return consumer
}
