import { stringify } from 'yaml'
import { openApiDocument } from '../src/openapi.ts'
import { configPage } from './generate/config-page.ts'
import { problemsPage } from './generate/problems-page.ts'

/** The committed files that are made from the code, by their path from the root. A test holds them up to date. */
export const generatedFiles: Readonly<Record<string, () => string>> = {
  'openapi.yaml': () =>
    stringify(openApiDocument(), { aliasDuplicateObjects: false, lineWidth: 110, blockQuote: 'literal' }),
  'docs/config.md': configPage,
  'docs/problems.md': problemsPage,
}
