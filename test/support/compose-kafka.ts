import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallJvm } from '../../dev/kafka/broker.ts'
import { ensureJars } from '../../dev/kafka/jars.ts'
import { TestProcess } from './start-process.ts'

const tools = {
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
  'kafka-acls.sh': 'org.apache.kafka.tools.AclCommand',
}

/**
 * Starts Kafka as the image apache/kafka does, from the environment of its container: Kafka's own code for that image
 * turns it into server.properties and formats the storage.
 * @param env with the paths, hosts and ports of this machine
 */
export async function startAsContainer(dir: string, env: Record<string, string>): Promise<void> {
  const libs = await ensureJars()
  const folder = (name: string, files: Record<string, string> = {}) => {
    mkdirSync(join(dir, name), { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, name, file), text)
    return join(dir, name)
  }
  const given = { 'log4j2.yaml': '', 'tools-log4j2.yaml': '', 'server.properties': '' }
  const folders = [
    ['--default-configs-dir', folder('default', given)],
    ['--mounted-configs-dir', folder('mounted')],
    ['--final-configs-dir', folder('final')],
  ].flat()
  const java = [...smallJvm, '-cp', join(libs, '*')]
  const setup = ['kafka.docker.KafkaDockerWrapper', 'setup', ...folders]
  const PATH = process.env.PATH!
  execFileSync('java', [...java, ...setup], {
    env: { PATH, CLUSTER_ID: '4L6g3nShT-eMCtK--X86sw', ...env },
    stdio: 'pipe',
  })
  const log = '-Dorg.slf4j.simpleLogger.logFile=System.out'
  const kafka = new TestProcess('java', [log, ...java, 'kafka.Kafka', join(dir, 'final/server.properties')], {
    env: { PATH },
  })
  await kafka.printed(/Kafka Server started/)
}

/** A folder with the scripts of the image that compose files call, to be put on a PATH. */
export async function kafkaScripts(dir: string): Promise<string> {
  const libs = await ensureJars({ pom: join(import.meta.dirname, 'kafka-tools/pom.xml') })
  for (const [script, main] of Object.entries(tools)) {
    const path = join(dir, script)
    writeFileSync(
      path,
      `#!/bin/sh\nexec java -Dorg.slf4j.simpleLogger.defaultLogLevel=off ${smallJvm.join(' ')} -cp '${libs}/*' ${main} "$@"\n`,
    )
    chmodSync(path, 0o755)
  }
  return dir
}
