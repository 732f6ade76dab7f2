import { loadConfig } from './config/config.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { createLogger } from './log.ts'
import type { Order, WorkerReport } from './workers.ts'

/** One of several processes behind one listener. The process that started it says when to stop, no signal does. */
const config = loadConfig(process.env)
// Not pino's own destination, which waits for ever for the reader of a pipe that is gone.
process.stdout.on('error', () => {})
const log = createLogger(config, { write: (line) => process.stdout.write(line) })
let gateway: Gateway | undefined

/** Where it can't be told, nobody is left to restart this worker or to tell it to stop: it stops by itself. */
const tell = (report: WorkerReport) =>
  process.send?.(report, undefined, undefined, (error) => error && stop())

async function stop(delayMs = 0): Promise<void> {
  await gateway?.stop({ delayMs }).catch((error: unknown) => {
    log.fatal({ error }, 'shutdown failed')
    process.exitCode = 1
  })
  process.exit()
}

// Ctrl-C reaches every process of the terminal.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('SIGHUP', () => {})
process.on('message', (order: Order) => {
  if (order.todo === 'stop') void stop(order.delayMs)
  else gateway?.reload()
})
process.on('disconnect', () => void stop())
process.on('uncaughtException', (error) => {
  log.fatal({ error }, 'uncaught exception')
  process.exitCode = 1
  void stop()
})

try {
  gateway = await startGateway(config, log)
  tell({})
} catch (error) {
  const { code, syscall, path, port } = error as NodeJS.ErrnoException & { port?: number }
  log.fatal({ error }, 'could not start')
  tell({
    error: {
      ...(code && { code }),
      ...(syscall && { syscall }),
      ...(path && { path }),
      ...(port && { port }),
    },
  })
  if (process.connected) process.disconnect()
}
