import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Integration tests share one real broker and two cores: files run one after the other.
    fileParallelism: false,
    // A shared CI machine can stall for longer than a fault test's deadline; a broken guarantee fails twice.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
  },
})
