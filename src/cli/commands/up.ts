import type { Command } from 'commander'
import { does } from '../context.ts'
import { CommandError, exitCodes } from '../errors.ts'
import { examples } from '../program.ts'

interface UpOptions {
  readonly port?: string
  readonly brokers?: string
  readonly dataDir?: string
}

/** `sluice up`: what `npm start` does. */
export function defineUp(command: Command): void {
  command
    .option('--port <port>', 'where the gateway listens (SLUICE_PORT)')
    .option('--brokers <host:port,...>', 'your Kafka, in place of one that comes with it (KAFKA_BROKERS)')
    .option('--data-dir <folder>', 'where the Kafka that comes with it keeps its data (SLUICE_DATA_DIR)')
  examples(
    command,
    `
    sluice up
    sluice up --brokers kafka-1:9092,kafka-2:9092
  `,
  )
  does(command, async (_context, { port, brokers, dataDir }: UpOptions) => {
    if (port !== undefined) process.env.SLUICE_PORT = port
    if (brokers !== undefined) process.env.KAFKA_BROKERS = brokers
    if (dataDir !== undefined) process.env.SLUICE_DATA_DIR = dataDir
    await runsOn(import('../../../dev/start.ts').catch(withoutKafka))
  })
}

/** `sluice serve`: the gateway by itself. Its settings are in the environment; docs/config.md lists them. */
export function defineServe(command: Command): void {
  examples(command, 'KAFKA_BROKERS=kafka-1:9092 SLUICE_PORT=8080 sluice serve')
  does(command, () => runsOn(import('../../main.ts')))
}

/** An install, such as the container image, that leaves out what it takes to start a Kafka. @throws CommandError */
function withoutKafka(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
  throw new CommandError(exitCodes.failed, 'no Kafka comes with this installation', {
    hint: 'Start the gateway alone, in front of yours: `KAFKA_BROKERS=host:9092 sluice serve`.',
  })
}

/** These end the process themselves, when they are told to. */
async function runsOn(started: Promise<unknown>): Promise<never> {
  await started
  return new Promise(() => {})
}
