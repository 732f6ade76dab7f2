import type { Config } from '../../config/config.ts'
import { ok, problem, type Verdict, type Verdicts, warning } from '../finding.ts'

/** What the start says of a setting: its name or names, and what is wrong. */
const LINE = /^([A-Z][A-Z0-9_]*(?:, [A-Z][A-Z0-9_]*)*): (.*)$/s

/** @param problems as ConfigError has them */
export function settingProblems(problems: readonly string[]): Verdict[] {
  return problems.map((line) => {
    const [, names, reason] = LINE.exec(line) ?? []
    const fix = 'docs/config.md lists every setting, with what it takes.'
    return names === undefined ? problem(line, fix) : problem(reason!, fix, names)
  })
}

/** @param set how many of the variables that are settings have a value */
export function understood({ warnings, kafka }: Config, set: number): Verdict[] {
  const brokers = kafka.brokers.length
  const all = ok(`${set} set, all understood; ${brokers} broker address${brokers === 1 ? '' : 'es'}`)
  return [all, ...warnings.map((line) => warning(line, fixOf(line)))]
}

function fixOf(line: string): string {
  return line.includes('unencrypted')
    ? 'Set KAFKA_TLS=true, and use a listener of the brokers with TLS.'
    : 'Take it away, or correct its name.'
}

export function acksVerdict({ produce }: Config): Verdicts {
  const weak = produce.topics.filter(({ acks }) => acks === '1').map(({ topics }) => topics)
  const fix = 'Leave `all`, where a record that was told to be written must not be lost.'
  if (produce.defaults.acks === '1') {
    return warning(
      'records are told to be written when their leader has them: they may be lost with it',
      fix,
      'SLUICE_PRODUCE_ACKS=1',
    )
  }
  if (weak.length > 0) {
    return warning(
      `acks=1 for ${weak.join(', ')}: what is told to be written there may be lost with its leader`,
      fix,
      'SLUICE_TOPIC_DEFAULTS',
    )
  }
  return ok('records are told to be written when all in-sync replicas have them')
}
