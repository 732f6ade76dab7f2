import { problems, type ProblemRow } from '../problems/problems.ts'
import type { ProblemDocument } from './errors.ts'

/** What to do next in the words of the command line, where the table of problems has those of HTTP. */
const own: Readonly<Record<string, string>> = {
  topic_not_found: 'See `sluice topics list`, or create it with `sluice topics create NAME`.',
  topic_exists: 'Use it as it is, or choose another name; `sluice topics describe NAME` shows it.',
  partition_not_found: '`sluice topics describe NAME` lists the partitions there are.',
  group_not_found: 'See `sluice groups list`.',
  group_active: 'Stop its consumers first; `sluice groups describe NAME` shows who they are.',
  broker_not_found: 'See `sluice cluster brokers`.',
  user_not_found: 'See `sluice users list`.',
  position_lost: 'Start again with `--from earliest`, or another position that there is.',
  no_such_route:
    'The gateway may be older than this command: compare `sluice --version` with the version in its /openapi.json.',
  precondition_failed: 'Somebody else changed it meanwhile: look at it again, then repeat the command.',
}

const rows: Readonly<Record<string, ProblemRow>> = problems

/** What to do about a problem; undefined where this version of the command does not know it. */
export function hintFor({ code }: Pick<ProblemDocument, 'code'>): string | undefined {
  return own[code] ?? rows[code]?.fix
}
