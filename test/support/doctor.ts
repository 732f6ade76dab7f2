import { expect } from 'vitest'
import { Cli } from './cli.ts'
import { brokers } from './kafka.ts'

export interface DoctorFinding {
  readonly check: string
  readonly group: string
  readonly subject: string | null
  readonly status: 'ok' | 'warning' | 'problem' | 'skipped'
  readonly seen: string
  readonly fix: string | null
}

/** What a run of `sluice doctor` came to. */
export interface Diagnosis {
  readonly code: number | null
  readonly findings: readonly DoctorFinding[]
  /** All that was printed. */
  readonly text: string
  /** What a check found. */
  of(check: string): readonly DoctorFinding[]
  /** Names of the checks that ended so. */
  with(status: DoctorFinding['status']): readonly string[]
}

/** Runs the command as a process with these settings, and the run's broker unless they name another. */
export async function runDoctor(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Diagnosis> {
  const cli = new Cli({ url: 'http://127.0.0.1:1' })
  const settings = { KAFKA_BROKERS: brokers(), SLUICE_PORT: '0', ...env }
  const { code, stdout, stderr } = await cli.run(['doctor', '--json', ...args], { env: settings })
  expect(stderr).toBe('')
  const { findings } = JSON.parse(stdout) as { findings: DoctorFinding[] }
  return {
    code,
    findings,
    text: stdout,
    of: (check) => findings.filter((finding) => finding.check === check),
    with: (status) => [...new Set(findings.filter((one) => one.status === status).map(({ check }) => check))],
  }
}
