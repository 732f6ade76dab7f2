import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDir } from '../../support/temporary-dir.ts'

const script = resolve(import.meta.dirname, '../../../.ci/summary.mjs')
const passing = { name: resolve('a.test.ts'), status: 'passed', assertionResults: [{ status: 'passed' }] }
const failing = {
  name: resolve('b.test.ts'),
  status: 'failed',
  assertionResults: [
    { status: 'passed' },
    {
      status: 'failed',
      fullName: 'a promise is kept',
      failureMessages: ['\u001b[31mError: 1 is not 2\u001b[39m'],
    },
  ],
}
const retried = {
  name: resolve('d.test.ts'),
  status: 'passed',
  assertionResults: [{ status: 'passed', fullName: 'it is quick', failureMessages: ['Error: not yet'] }],
}
const unloadable = {
  name: resolve('c.test.ts'),
  status: 'failed',
  message: 'no such module',
  assertionResults: [],
}

function summary(
  numPassedTests: number,
  numFailedTests: number,
  testResults: object[],
  status: number,
  faults?: readonly [printed: string, status: number],
) {
  const dir = temporaryDir()
  const [file, printed] = [join(dir, 'report.json'), join(dir, 'faults')]
  writeFileSync(file, JSON.stringify({ numPassedTests, numFailedTests, testResults }))
  const args = [script, file, String(status)]
  if (faults !== undefined) {
    writeFileSync(printed, faults[0])
    args.push(printed, String(faults[1]))
  }
  const run = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { stdout: run.stdout, line: run.stdout.split('\n').slice(-2).join('\n'), code: run.status }
}

describe('the last line of .ci/run', () => {
  it.each([
    ['all passed', summary.bind(null, 3, 0, [passing], 0), '3 passed, 0 failed\n', 0],
    ['one failed', summary.bind(null, 1, 1, [failing], 1), '1 passed, 1 failed\n', 1],
    [
      'a file that could not be loaded',
      summary.bind(null, 3, 0, [passing, unloadable], 1),
      '3 passed, 1 failed\n',
      1,
    ],
    ['an error outside of any test', summary.bind(null, 3, 0, [passing], 1), '3 passed, 1 failed\n', 1],
    [
      'scenarios',
      summary.bind(null, 3, 0, [passing], 0, ['| a |\n6 kept, 0 broken\n', 0]),
      '9 passed, 0 failed\n',
      0,
    ],
    [
      'a broken promise',
      summary.bind(null, 3, 0, [passing], 0, ['5 kept, 1 broken\n', 1]),
      '8 passed, 1 failed\n',
      1,
    ],
    [
      'scenarios that took too long',
      summary.bind(null, 3, 0, [passing], 0, ['', 124]),
      '3 passed, 1 failed\n',
      1,
    ],
    ['no test at all', summary.bind(null, 0, 0, [], 0), '0 passed, 1 failed\n', 1],
  ])('says the truth of %s', (_, run, line, code) => {
    expect(run()).toMatchObject({ line, code })
  })

  it('comes after what failed and why, in plain text', () => {
    expect(summary(2, 1, [failing, retried, unloadable], 1).stdout).toBe(
      [
        'FAILED b.test.ts > a promise is kept\nError: 1 is not 2\n',
        'PASSED WHEN TRIED AGAIN d.test.ts > it is quick\nError: not yet\n',
        'FAILED c.test.ts\nno such module\n',
        '2 passed, 2 failed\n',
      ].join('\n'),
    )
  })

  it('is a failure where there is no report', () => {
    const run = spawnSync(process.execPath, [script, '/nonexistent', '124'], { encoding: 'utf8' })
    expect([run.stdout, run.status]).toEqual(['0 passed, 1 failed\n', 1])
  })
})
