import { pino } from 'pino'
import { loadConfig } from './config.ts'
import { type Gateway, startGateway } from './gateway.ts'
import { STOP, type WorkerReport } from './workers.ts'

/** One of several processes behind one listener. The process that started it says when to stop, no signal does. */
const config = loadConfig(process.env)
const log = pino({ name: 'sluice', level: config.logLevel })
let gateway: Gateway | undefined

const tell = (report: WorkerReport) => process.send?.(report)

async function stop(): Promise<void> {
  await gateway?.stop().catch((error: unknown) => {
    log.fatal({ error }, 'shutdown failed')
    process.exitCode = 1
  })
  process.exit()
}

// Ctrl-C reaches every process of the terminal.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
process.on('message', (message) => {
  if (message === STOP) void stop()
})
// Nobody is left to restart this worker or to tell it to stop.
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
  const { code, syscall } = error as NodeJS.ErrnoException
  log.fatal({ error }, 'could not start')
  tell({ error: { ...(code && { code }), ...(syscall && { syscall }) } })
  process.disconnect()
}
