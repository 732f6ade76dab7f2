import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Tests of faults wait most of their time; three files at once leave the broker and the gateways enough of two cores.
    maxWorkers: 3,
    // A shared CI machine can stall for longer than a fault test's deadline; a broken guarantee fails twice.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
  },
})
