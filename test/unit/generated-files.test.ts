import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { generatedFiles } from '../../dev/generated-files.ts'

describe('the committed generated files', () => {
  it.each(Object.keys(generatedFiles))('%s is what the code makes', (path) => {
    let committed = ''
    try {
      committed = readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
    } catch {
      // Not there yet, which the message below covers.
    }
    expect(committed === generatedFiles[path]!(), `${path} is out of date: run \`npm run generate\``).toBe(
      true,
    )
  })
})
