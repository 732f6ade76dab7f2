// Prints which tests failed and why, once more, since a log is read from its end, and which did so before they passed; then
// `N passed, N failed`: tests, from vitest's JSON report, and scenarios of `npm run faults`, from what it printed.
//   node .ci/summary.mjs REPORT EXIT_STATUS_OF_VITEST [FAULTS EXIT_STATUS_OF_FAULTS]
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** Characters of one failure that are shown again; the whole of it stands where it happened. */
const MOST = 2000
const [, , file, status, faults, faultsStatus = '0'] = process.argv
let passed = 0
let failed = 0
try {
  const report = JSON.parse(readFileSync(file, 'utf8'))
  passed = report.numPassedTests
  // A file that could not be loaded has failed without one test of it failing.
  const broken = ({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((test) => test.status === 'failed')
  failed = report.numFailedTests + report.testResults.filter(broken).length
  for (const file of report.testResults) {
    const name = relative(process.cwd(), file.name)
    if (broken(file)) show('FAILED', name, file.message)
    for (const { status, fullName, failureMessages } of file.assertionResults) {
      const word = status === 'failed' ? 'FAILED' : 'PASSED WHEN TRIED AGAIN'
      if (failureMessages?.length > 0) show(word, `${name} > ${fullName}`, failureMessages.join('\n'))
    }
  }
} catch {
  // No report: the run ended before it could write one.
}
if (faults !== undefined) {
  const [, kept = 0, broken = 0] = /^(\d+) kept, (\d+) broken$/m.exec(readFileSync(faults, 'utf8')) ?? []
  passed += Number(kept)
  failed += Number(broken)
}
// No test at all, and an error outside of any test, must not look like success.
if (failed === 0 && (passed === 0 || status !== '0' || faultsStatus !== '0')) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

function show(word, name, message) {
  console.log(`${word} ${name}\n${stripVTControlCharacters(message).slice(0, MOST)}\n`)
}
