import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic } from '../support/kafka.ts'
import { codeBlocks, shellCommands } from '../support/readme.ts'

const run = promisify(execFile)

/** What a command has to print. Every command of the page must be found here. */
const expectations: [pattern: RegExp, expected: RegExp][] = [
  [
    /x-ndjson/,
    /^\{"index":0,"partition":0,"offset":0,.*\n\{"index":1,"error":.*\n\{"summary":\{"records":2,/,
  ],
  [/image\/svg/, /^\{"partition":0,"offset":1,/],
  [/acks=0/, /^\{"accepted":1\}/],
  [/keyPointer/, /^\{"partition":0,"offset":2,/],
]

it('docs/producing.md shows nothing but commands that work as written', async () => {
  const { url } = await startTestGateway()
  const topic = await makeTopic()
  for (const block of codeBlocks('docs/producing.md')) {
    if (block.language !== 'sh') continue
    for (const command of shellCommands(block)) {
      const here = command
        .replaceAll('http://127.0.0.1:8080', url)
        .replaceAll('/topics/orders/', `/topics/${topic}/`)
      const { stdout } = await run('bash', ['-c', here], { cwd: join(import.meta.dirname, '../..') })
      const expected = expectations.find(([pattern]) => pattern.test(command))?.[1]
      expect(expected, `line ${block.line}: nothing says what this has to print`).toBeDefined()
      expect(stdout).toMatch(expected!)
    }
  }
})
