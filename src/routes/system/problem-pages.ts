import { z } from 'zod'
import { Problem } from '../../problems/problem.ts'
import { type ProblemRow, problems } from '../../problems/problems.ts'
import { addRoute, type App, ProblemCodes, problemResponses } from '../route.ts'
import { escapeHtml, page } from './pages.ts'

const html = (description: string) => ({ description, content: { 'text/html': { schema: z.string() } } })
const rows: Readonly<Record<string, ProblemRow>> = problems

/** The page that a problem document's `type` names, for people; and the list of them. */
export function registerProblemPages(app: App): void {
  addRoute(
    app,
    {
      operationId: 'listProblems',
      access: 'public',
      method: 'get',
      path: '/problems',
      tags: ['System'],
      summary: 'Read which errors there are',
      responses: { 200: html('A page that lists them.'), ...problemResponses() },
    },
    (c) => page(c, 'Problems', '', list()),
  )
  addRoute(
    app,
    {
      operationId: 'getProblem',
      access: 'public',
      method: 'get',
      path: '/problems/{code}',
      tags: ['System'],
      summary: 'Read what an error means and what to do',
      description: "The `type` of an error's document is the path of its page.",
      request: { params: z.object({ code: ProblemCodes }) },
      responses: { 200: html('A page about it.'), ...problemResponses('no_such_route') },
    },
    (c) => {
      const code = c.req.param('code') ?? ''
      if (!Object.hasOwn(rows, code))
        throw new Problem('no_such_route', { detail: 'There is no such problem.' })
      return page(c, code, '../', describe(code, rows[code]!))
    },
  )
}

function list(): string {
  const lines = Object.entries(rows).map(
    ([code, row]) =>
      `<tr><td><a href="problems/${code}"><code>${code}</code></a></td><td>${row.status}</td><td>${escapeHtml(row.title)}</td></tr>`,
  )
  return `<h1>Problems</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Programs branch on its <code>code</code>.</p>
<table><tr><th>Code</th><th>Status</th><th>Meaning</th></tr>
${lines.join('\n')}
</table>`
}

function describe(code: string, row: ProblemRow): string {
  const close =
    row.close === undefined
      ? ''
      : `<tr><th>WebSocket close code</th><td>${row.close}: ${
          row.close >= 4_000 && row.close < 4_500 ? 'don’t reconnect' : 'reconnect and resume'
        }</td></tr>\n`
  return `<h1><code>${code}</code></h1>
<p><b>${escapeHtml(row.title)}.</b></p>
<h2>What to do</h2>
<p>${escapeHtml(row.fix)}</p>
<table>
<tr><th>HTTP status</th><td>${row.status}</td></tr>
${close}<tr><th>Retryable</th><td>${row.retryable ? 'yes: the same request may succeed later and is safe to send again' : 'no'}</td></tr>
</table>`
}
