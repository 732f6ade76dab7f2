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
    // Half of it is spent on kept-alive connections.
    SLUICE_SHUTDOWN_TIMEOUT_MS: '400',
    KAFKA_BROKERS: brokers(),
    ...env,
  })
  const gateway = await startGateway(config, log ?? pino({ level: config.logLevel }), timeouts)
  onTestFinished(() => {
    closeIdleConnections()
    return gateway.stop()
  })
  return gateway
}

/** Where Node's fetch finds what keeps its connections. */
const dispatcher = Symbol.for('undici.globalDispatcher.1')

interface Dispatcher {
  readonly constructor: unknown
  close(): Promise<void>
}

/** Closes connections that fetch has kept: a gateway that stops waits for what may come on them. */
function closeIdleConnections(): void {
  const world = globalThis as unknown as Record<symbol, Dispatcher | undefined>
  const used = world[dispatcher]
  if (used === undefined) return
  world[dispatcher] = new (used.constructor as new () => Dispatcher)()
  void used.close()
}
