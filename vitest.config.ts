import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Workers, and the gateways and commands that tests start, find compiled what others have loaded before.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules/.cache/tests')

/** Files that take long though they are short, and so would come last and be waited for. */
const long = /schemathesis|lifecycle|course|read-records-faults/

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification) => long.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

export default defineConfig({
  test: {
    // Tests of faults wait most of their time; four files at once leave the broker and the gateways enough of two cores.
    maxWorkers: 4,
    // A worker loads the gateway, the clients and vitest once, not for each file: 55 s of processor time for the unit tests, not 92.
    isolate: false,
    sequence: { sequencer: LongFirst },
    // A shared CI machine can stall for longer than a fault test's deadline; a broken guarantee fails twice.
    retry: process.env.CI === 'true' ? 1 : 0,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
  },
})
