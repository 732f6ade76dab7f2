import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Workers, and the gateways and commands that tests start, find compiled what others have loaded before.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/tests')

export default defineConfig({
  test: {
    // Tests of faults wait most of their time; four files at once leave the broker and the gateways enough of two cores.
    maxWorkers: 4,
    // A worker loads the gateway, the clients and vitest once, not for each file: a third of the processor time of all.
    isolate: false,
    // A shared CI machine can stall for longer than a fault test's deadline; a broken guarantee fails twice.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
  },
})
