import { type Logger, pino } from 'pino'
import { onTestFinished } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { type Gateway, startGateway } from '../../src/gateway.ts'
import type { HttpTimeouts } from '../../src/http/server.ts'
import { brokers } from './kafka.ts'

/** A gateway on a free port, stopped when the test ends. `env` overrides its settings, as SLUICE_* and KAFKA_* text. */
export async function startTestGateway(
  env: Record<string, string> = {},
  { log, timeouts }: { log?: Logger; timeouts?: HttpTimeouts } = {},
): Promise<Gateway> {
  const config = loadConfig({
    SLUICE_PORT: '0',
    SLUICE_LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    // Half of it is spent on kept-alive connections, which the tests' fetch leaves behind.
    SLUICE_SHUTDOWN_TIMEOUT_MS: '400',
    KAFKA_BROKERS: brokers(),
    ...env,
  })
  const gateway = await startGateway(config, log ?? pino({ level: config.logLevel }), timeouts)
  onTestFinished(() => gateway.stop())
  return gateway
}
