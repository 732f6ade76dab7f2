import { consume } from './consume/run.ts'
import { parseOptions, usage } from './options.ts'
import { produce } from './produce.ts'

// What was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

try {
  const options = parseOptions(process.argv.slice(2))
  const isKept = options.what === 'produce' ? await produce(options) : await consume(options)
  process.exitCode = isKept ? 0 : 1
} catch (error) {
  console.error(`soak: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 2
}
