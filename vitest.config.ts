import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // Integration tests share one real broker and two cores: files run one after the other.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
  },
})
