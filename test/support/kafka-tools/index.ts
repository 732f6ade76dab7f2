import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { quickJvm } from '../../../dev/kafka/broker.ts'
import { ensureJars } from '../../../dev/kafka/jars.ts'
import { brokers } from '../kafka.ts'

/** Kafka's own command-line tools, by the name of their script. */
const tools = {
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-groups': 'org.apache.kafka.tools.GroupsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
} as const
export type KafkaTool = keyof typeof tools

export interface ToolAnswer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

type Run = (words: readonly string[]) => Promise<ToolAnswer>

/** One JVM runs the tools of a worker's test files, one at a time; it ends with the worker, when nothing more can come. */
let running: Promise<Run> | undefined

/**
 * Runs one of Kafka's own tools as its script would, against the run's Kafka or another.
 * @param args without `--bootstrap-server`
 * @returns its exit code and what it printed
 */
export async function runTool(
  tool: KafkaTool,
  args: readonly string[],
  bootstrap: string = brokers(),
): Promise<ToolAnswer> {
  const run = await (running ??= start())
  const server = ['--bootstrap-server', bootstrap]
  // This one knows the option in its subcommands alone.
  return run([tools[tool], ...(tool === 'kafka-cluster' ? [...args, ...server] : [...server, ...args])])
}

/**
 * What one of Kafka's own tools prints.
 * @throws Error where it fails
 */
export async function kafkaTool(
  tool: KafkaTool,
  args: readonly string[],
  bootstrap?: string,
): Promise<string> {
  const { code, stdout, stderr } = await runTool(tool, args, bootstrap)
  if (code !== 0) throw new Error(`${tool} ended with ${code}: ${stdout}${stderr}`)
  return stdout
}

async function start(): Promise<Run> {
  const libs = await ensureJars({ pom: join(import.meta.dirname, 'pom.xml') })
  const source = join(import.meta.dirname, 'KafkaTools.java')
  const flags = ['-Xmx256m', ...quickJvm, '-cp', join(libs, '*')]
  const java = spawn('java', [...flags, source], { stdio: ['pipe', 'pipe', 'inherit'] })
  java.once('exit', () => (running = undefined))
  const lines = createInterface(java.stdout)[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()
  const run = async (words: readonly string[]): Promise<ToolAnswer> => {
    java.stdin.write(`${words.map((word) => Buffer.from(word).toString('base64')).join(' ')}\n`)
    const line = await lines.next()
    // It reads options itself, and ends the process where it can't.
    if (line.done === true) throw new Error(`the tools' JVM ended at ${words.join(' ')}`)
    const [code = '1', stdout = '', stderr = ''] = line.value.split(' ')
    const text = (word: string) => Buffer.from(word, 'base64').toString('utf8')
    return { code: Number(code), stdout: text(stdout), stderr: text(stderr) }
  }
  return (words) => {
    const answer = last.then(() => run(words))
    last = answer.catch(() => {})
    return answer
  }
}
