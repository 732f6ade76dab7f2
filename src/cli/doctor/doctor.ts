import type { CheckName, Finding, Status } from '../../doctor/doctor.ts'
import type { Context } from '../context.ts'
import { exitCodes, UsageError } from '../errors.ts'
import { Progress } from '../output/progress.ts'
import { plural } from '../output/quantities.ts'
import type { Style } from '../output/style.ts'
import { printable } from '../output/table.ts'

export interface DoctorOptions {
  readonly strict?: boolean
  readonly except?: readonly string[]
}

/** What looks, and its table of checks: given, since it is loaded where the command is. */
interface Doctor {
  readonly checks: Readonly<Record<CheckName, { readonly group: string }>>
  readonly examine: (env: NodeJS.ProcessEnv, except: ReadonlySet<CheckName>) => Promise<readonly Finding[]>
}

/** `sluice doctor`: ends with 1 where there is a problem; with 6 where there are warnings, if that is asked for. */
export async function doctor(
  context: Context,
  { strict = false, except = [] }: DoctorOptions,
  { checks, examine }: Doctor,
): Promise<void> {
  const unknown = except.find((name) => !Object.hasOwn(checks, name))
  if (unknown !== undefined) {
    throw new UsageError(
      `--except ${unknown}: there is no such check`,
      `Checks: ${Object.keys(checks).join(', ')}.`,
    )
  }
  const progress = new Progress(!context.quiet && !context.json)
  progress.start(() => 'Looking at settings, files, this machine and Kafka ...')
  const findings = await examine(process.env, new Set(except as CheckName[])).finally(() => progress.end())
  const count = (status: Status) => findings.filter((finding) => finding.status === status).length
  const [problems, warnings] = [count('problem'), count('warning')]
  const status = problems > 0 ? 'problem' : warnings > 0 ? 'warning' : 'ok'
  const document = {
    status,
    problems,
    warnings,
    findings: findings.map(({ check, status: of, subject = null, seen, fix = null }) => ({
      check,
      group: checks[check].group,
      subject,
      status: of,
      seen,
      fix,
    })),
  }
  const { style, quiet } = context
  await context.print(document, () => {
    const shown = quiet ? findings.filter(({ status: of }) => of === 'problem' || of === 'warning') : findings
    const lines = [...Map.groupBy(shown, ({ check }) => checks[check].group)].map(
      ([group, some]) => `${style.bold(group)}\n${linesOf(some, style)}`,
    )
    const sum = `${plural(problems, 'problem')}, ${plural(warnings, 'warning')}, ${count('ok')} fine${count('skipped') > 0 ? `, ${count('skipped')} not looked at` : ''}.\n`
    return [...lines, ...(quiet ? [] : [sum])].join('\n')
  })
  if (problems > 0) process.exitCode = exitCodes.failed
  else if (warnings > 0 && strict) process.exitCode = exitCodes.warnings
}

const marks: Readonly<Record<Status, string>> = {
  ok: 'ok',
  warning: 'warning',
  problem: 'PROBLEM',
  skipped: '-',
}
const WIDTH = 9

function linesOf(findings: readonly Finding[], style: Style): string {
  return together(findings)
    .map(({ names, finding: { status, subject, seen, fix } }) => {
      const paint = { ok: style.green, warning: style.yellow, problem: style.red, skipped: style.dim }[status]
      const about = subject === undefined ? '' : `${printable(subject)}: `
      const line = `  ${paint(marks[status].padEnd(WIDTH))}${names.join(', ')}: ${about}${printable(seen)}\n`
      return fix === undefined ? line : `${line}  ${' '.repeat(WIDTH)}${style.dim('->')} ${printable(fix)}\n`
    })
    .join('')
}

/** Checks that were not made for the same reason are one line. */
function together(findings: readonly Finding[]): { names: string[]; finding: Finding }[] {
  const lines: { names: string[]; finding: Finding }[] = []
  for (const finding of findings) {
    const last = lines.at(-1)
    const same =
      finding.status === 'skipped' &&
      last?.finding.status === 'skipped' &&
      last.finding.seen === finding.seen &&
      finding.fix === undefined
    if (same) last.names.push(finding.check)
    else lines.push({ names: [finding.check], finding })
  }
  return lines
}
