import { execFile } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../../support/gateway.ts'
import { brokers, removeTopic, uniqueName, withAdmin } from '../../support/kafka.ts'
import { codeBlocks, shellCommands } from '../../support/readme.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const root = resolve(import.meta.dirname, '../../..')

/** What a command has to print, on standard output and then on standard error. A new one cannot go untried. */
const expectations: [pattern: RegExp, expected: RegExp][] = [
  [/^sluice doctor$/, /^Settings\n[^]* fine[^]*\.\n$/],
  [/topics create test2 /, /^Created test2: 3 partitions/],
  [/topics list$/, /^TOPIC +PARTITIONS[^]*\ntest2 +3 /],
  [/topics describe test2/, /^test2\n {2}partitions {2,}3\n[^]*\nPARTITION {2}LEADER/],
  [/topics alter test2/, /^Changed test2\.\n$/],
  [/topics truncate test2/, /^PARTITION {2}EARLIEST {2}WOULD BE[^]*\n +2 +0 +0 +0 +0\n$/],
  [/^echo "hello"/, /^Wrote 1 record\.\n$/],
  [/^printf/, /^Wrote 2 records\.\n$/],
  [/produce test2 --json/, /^Wrote 1 record\.\n$/],
  [/--max-messages 4/, /^(?=[^]*^hello\n)(?=[^]*^\{"total": 12.5\}\n)(?=[^]*^null\n)(.*\n){4}$/m],
  [/--key-separator/, /^order-17 = \{"total": 12.5\}\n/m],
  [/-f '%t/, /^test2\/\d\/\d order-17 \{"total": 12.5\}\n/m],
  [/--json \| head/, /^\{"topic":"test2","partition":.*\}\n$/],
  [/--group billing/, /^(.*\n){2}$/],
  [/export test2/, /^Wrote 4 records, [\d.]+ (Ki)?B, to test2\.ndjson\.\n$/],
  [/topics create test2-copy/, /^Created test2-copy/],
  [/import test2-copy/, /^Wrote 4 records\.\n$/],
  [/groups list/, /^GROUP +STATE[^]*\nbilling +Empty/],
  [/groups describe billing/, /^billing\n {2}state +Empty\n/],
  [/groups lag billing/, /\n2 behind in all\.\n$/],
  [/groups reset billing/, /^TOPIC +PARTITION +BEFORE +AFTER[^]*\ntest2 +0 +\d +0/],
  [/cluster$/, /^ {2}cluster +\S+\n {2}brokers +1\n/],
  [/cluster brokers/, /^BROKER +ADDRESS/],
  [/cluster log-dirs/, /^BROKER +FOLDER[^]* ok\n$/],
  [/cluster configs 1/, /^CONFIG +VALUE +FROM\nlog\.retention\.ms /],
  [/acls create/, /Would create 1 rule\.\n$|\(acls_disabled\)/],
  [/quotas list/, /^USER +CLIENT ID/],
  [/users list/, /^USER +LOGS IN BY/],
  [/bench --records 20000/, /^ +RECORDS\/S +MIB\/S\nproduce +[\d,]+ +[\d.]+\nconsume +[\d,]+ +[\d.]+\n/],
  [/completion bash/, /^$/],
]

it('docs/cli.md shows nothing but commands that work as written, in the order written', async () => {
  const { url } = await startTestGateway()
  // The page's names are those of other pages, whose tests run at the same time.
  const [topic, group] = [uniqueName(), uniqueName()]
  onTestFinished(async () => {
    await Promise.all([topic, `${topic}-copy`].map((name) => removeTopic(name)))
    await withAdmin((admin) => admin.deleteGroups([group]).then(() => {})).catch(() => {})
  })
  const cwd = temporaryDir()
  symlinkSync(join(root, 'bin/sluice.mjs'), join(cwd, 'sluice'))
  const env = {
    PATH: `${cwd}:${join(root, 'node_modules/.bin')}:${process.env.PATH}`,
    SLUICE_URL: url,
    KAFKA_BROKERS: brokers(),
  }
  for (const block of codeBlocks('docs/cli.md')) {
    for (const command of shellCommands(block)) {
      const expected = expectations.find(([pattern]) => pattern.test(command))?.[1]
      if (expected === undefined)
        expect.fail(`docs/cli.md line ${block.line}: no expectation for\n${command}`)
      const ours = command.replaceAll('test2', topic).replaceAll('billing', group)
      const run = promisify(execFile)('bash', ['--norc', '-c', ours], { cwd, env })
      const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error)
      const printed = `${stdout}${stderr}`.replaceAll(topic, 'test2').replaceAll(group, 'billing')
      expect(printed, command).toMatch(expected)
    }
  }
}, 180_000)
