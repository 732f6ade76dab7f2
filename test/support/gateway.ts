import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { type Gateway, startGateway } from '../../src/gateway.ts'
import { brokers } from './kafka.ts'

/** A gateway on a free port, stopped when the test ends. `env` overrides its settings, as SLUICE_* and KAFKA_* text. */
export async function startTestGateway(env: Record<string, string> = {}): Promise<Gateway> {
  const config = loadConfig({
    SLUICE_PORT: '0',
    SLUICE_LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    SLUICE_SHUTDOWN_TIMEOUT_MS: '2000',
    KAFKA_BROKERS: brokers(),
    ...env,
  })
  const gateway = await startGateway(config, pino({ level: config.logLevel }))
  onTestFinished(() => gateway.stop())
  return gateway
}
