import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Problem } from '../../problems/problem.ts'
import { addRoute, type App, problemResponses } from '../route.ts'
import { page, pageCss } from './pages.ts'

/** Runs in the browser, from a file of its own: the policy of the page allows no inline script. */
const script = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  // Without this the page would ask a host of the internet to check the document.
  validatorUrl: null,
})
`

const swaggerUi = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))
const javascript = 'text/javascript; charset=utf-8'
const css = 'text/css; charset=utf-8'

/** The files of the reference page, each with its type and either its text or where it is. A closed list: no path is built. */
const assets: Readonly<Record<string, { type: string; text?: string; path?: string }>> = {
  'page.css': { type: css, text: pageCss },
  'reference.js': { type: javascript, text: script },
  'swagger-ui.css': { type: css, path: join(swaggerUi, 'swagger-ui.css') },
  'swagger-ui-bundle.js': { type: javascript, path: join(swaggerUi, 'swagger-ui-bundle.js') },
  'favicon-32x32.png': { type: 'image/png', path: join(swaggerUi, 'favicon-32x32.png') },
}

const head = `<link rel="stylesheet" href="docs/swagger-ui.css">
<script src="docs/swagger-ui-bundle.js" defer></script>
<script src="docs/reference.js" defer></script>
`

export function registerDocs(app: App): void {
  addRoute(
    app,
    {
      operationId: 'getReference',
      access: 'public',
      method: 'get',
      path: '/docs',
      tags: ['System'],
      summary: 'Read the reference, and try the operations',
      responses: {
        200: { description: 'A page for people.', content: { 'text/html': { schema: z.string() } } },
        ...problemResponses(),
      },
    },
    (c) => page(c, 'Reference', '', '<div id="reference"></div>', head),
  )
  // Of the page, not of the contract.
  app.get('/docs/:file', async (c) => {
    const name = c.req.param('file')
    const asset = Object.hasOwn(assets, name) ? assets[name] : undefined
    if (asset === undefined) throw new Problem('no_such_route', { detail: 'There is no such file.' })
    const body = asset.text ?? (await readFile(asset.path!))
    return c.body(body, 200, {
      'content-type': asset.type,
      'cache-control': 'public, max-age=3600',
      'x-content-type-options': 'nosniff',
    })
  })
}
