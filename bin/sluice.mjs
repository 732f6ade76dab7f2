#!/usr/bin/env -S node --max-semi-space-size=16 --heap-growing-percent=150
// The `sluice` command. `serve` alone is the gateway, and loads nothing of the command line. Plain JavaScript, so that
// Node finds the compiled modules of the last start before it loads what it takes to read TypeScript: a third less time
// and 20 MB less memory.
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const words = process.argv.slice(2)
const ownNode = join(root, 'node_modules', 'node', 'bin', 'node')

if (process.features.typescript) {
  nodeModule.enableCompileCache(join(root, 'node_modules/.cache/sluice'))
  await import(words.length === 1 && words[0] === 'serve' ? '../src/main.ts' : '../src/cli/main.ts')
} else if (existsSync(ownNode)) {
  const [{ spawn }, { constants }] = await Promise.all([import('node:child_process'), import('node:os')])
  // The machine's Node is older than what runs TypeScript; the one that came with the packages is not.
  const child = spawn(ownNode, [...process.execArgv, import.meta.filename ?? process.argv[1], ...words], {
    stdio: 'inherit',
  })
  // Ctrl-C reaches both by itself: a second one would stop at once what is stopping in order.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
} else {
  console.error(
    'sluice: Node 24 is needed: run `npm install` where Sluice is, which brings one, or install Node 24.',
  )
  process.exit(1)
}
