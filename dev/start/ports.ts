import type { Config } from '../../src/config/config.ts'
import { listenError } from '../kafka/free-port.ts'
import { SetupError } from '../setup-error.ts'

/**
 * Finds out that a port can't be had before anything is started or fetched.
 * @throws SetupError
 */
export async function checkPorts(config: Config, ownKafka: boolean): Promise<void> {
  const error = await listenError(config.host, config.port)
  if (error !== undefined) throw gatewayPortError(error, config)
  if (!ownKafka || config.kafkaPort === 0) return
  const kafkaError = await listenError('127.0.0.1', config.kafkaPort)
  if (kafkaError !== undefined) throw kafkaPortError(kafkaError, config.kafkaPort)
}

/** Why the gateway can't listen, in a sentence. */
export function gatewayPortError(error: NodeJS.ErrnoException, { host, port }: Config): SetupError {
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new SetupError(`this machine has no address ${host}: set SLUICE_HOST to one it has.`)
  }
  return new SetupError(
    `${portTrouble(error, `port ${port} of ${host}`)}: stop what uses it, or set SLUICE_PORT to another (0 takes any free one).`,
  )
}

function kafkaPortError(error: NodeJS.ErrnoException, port: number): SetupError {
  return new SetupError(
    `${portTrouble(error, `port ${port} of 127.0.0.1, meant for Kafka,`)}: stop what uses it, set SLUICE_KAFKA_PORT to ` +
      `another (0 takes any free one), or, where a Kafka runs there, set KAFKA_BROKERS=127.0.0.1:${port} to use it.`,
  )
}

function portTrouble(error: NodeJS.ErrnoException, port: string): string {
  if (error.code === 'EADDRINUSE') return `${port} is taken`
  if (error.code === 'EACCES') return `${port} may not be used by this user`
  return `${port} can't be used (${error.code ?? error.message})`
}
