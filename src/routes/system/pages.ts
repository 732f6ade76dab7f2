import type { AppContext } from '../route.ts'

/**
 * Headers of what a browser shows. The policy lets a page load nothing but this gateway's own files, run no inline script
 * and be framed by nobody: what a topic's or error's text might smuggle in stays text.
 */
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** An HTML page. `root` is the way from its URL to the gateway's root, so that a proxy may put a prefix before it. */
export function page(c: AppContext, title: string, root: string, main: string, head = ''): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} - Sluice</title>
<link rel="icon" type="image/png" href="${root}docs/favicon-32x32.png">
<link rel="stylesheet" href="${root}docs/page.css">
${head}</head>
<body>
<nav><b>Sluice</b> <a href="${root}docs">Reference</a> <a href="${root}problems">Problems</a>
<a href="${root}openapi.yaml">openapi.yaml</a> <a href="${root}asyncapi.yaml">asyncapi.yaml</a></nav>
<main>
${main}
</main>
</body>
</html>
`
  return c.body(html, 200, pageHeaders)
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character]!)
}

export const pageCss = `:root { color-scheme: light; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: #1d2430; background: #fff; }
nav { padding: 10px 20px; background: #1d2430; color: #fff; }
nav a { color: #cfe1ff; margin-left: 16px; }
main { max-width: 1100px; margin: 0 auto; padding: 20px; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.95em; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid #dde2ea; vertical-align: top; }
`
