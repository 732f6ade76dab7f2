import { stringify } from 'yaml'
import { asyncApiDocument } from '../src/contract/asyncapi.ts'
import { openApiDocument } from '../src/contract/openapi.ts'
import { configPage } from './generate/config-page.ts'
import { doctorPage } from './generate/doctor-page.ts'
import { limitsPage } from './generate/limits-page.ts'
import { metricsPage } from './generate/metrics-page.ts'
import { problemsPage } from './generate/problems-page.ts'

const yamlOptions = { aliasDuplicateObjects: false, lineWidth: 110, blockQuote: 'literal' } as const

/** The committed files that are made from the code, by their path from the root. A test holds them up to date. */
export const generatedFiles: Readonly<Record<string, () => string>> = {
  'openapi.yaml': () => stringify(openApiDocument(), yamlOptions),
  'asyncapi.yaml': () => stringify(asyncApiDocument(), yamlOptions),
  'docs/config.md': configPage,
  'docs/problems.md': problemsPage,
  'docs/metrics.md': metricsPage,
  'docs/doctor.md': doctorPage,
  'docs/limits.md': limitsPage,
}
