import { type ProblemRow, problems } from '../../src/problems/problems.ts'

/** docs/problems.md: every error a client can see, in the order of the table. */
export function problemsPage(): string {
  const rows: [string, ProblemRow][] = Object.entries(problems)
  return `<!-- Generated from src/problems/problems.ts by \`npm run generate\`. -->

# Problems

Every error answer is \`application/problem+json\` (RFC 9457). Programs branch on \`code\`; a code, once released, keeps its
meaning. \`type\` is a path on the gateway, \`/problems/CODE\`, where this text is served. *Retryable* means that the same
request may succeed later and is safe to send again; the \`Retry-After\` header says when. *Closes* is the code a WebSocket
is closed with where the error ends it: from 4000 to 4499 don't reconnect, from 4500 reconnect and resume.

| code | status | closes | retryable |
| --- | --- | --- | --- |
${rows.map(([code, row]) => `| [\`${code}\`](#${code}) | ${row.status} | ${row.close ?? ''} | ${row.retryable ? 'yes' : 'no'} |`).join('\n')}

${rows.map(([code, row]) => `## ${code}\n\n${row.title}.\n\n${row.fix}\n`).join('\n')}`
}
