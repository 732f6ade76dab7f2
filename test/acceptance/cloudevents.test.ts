import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { removeTopic } from '../support/kafka.ts'
import { codeBlocks, shellCommands } from '../support/readme.ts'

const run = promisify(execFile)

/** What the commands of the page print, in order. */
const expected = [
  /"name":"events"/,
  /^\{"partition":0,"offset":0,/,
  /^\{"partition":0,"offset":1,/,
  /^\{"results":\[\{"partition":0,"offset":2,.*"offset":3,/,
  /"value":\{"specversion":"1.0","id":"1",.*"data":\{"total": 12.50\}\}.*"subject":"café",.*"data":"a plain line"\}.*"data_base64":"iVBORw=="\}.*"type":"com.example.closed"\}/,
  /^kafka-cursor: \S+[\s\S]*\[\{"specversion":"1.0","id":"1",.*"id":"2",[^{]*\}\]$/m,
  /^\{"specversion":"1.0","id":"1",.*"datacontenttype":"application\/json","data":\{"total": 12.50\}\}$/,
  /^\{"partition":0,"offset":4,/,
  /"key":"k","value":\{"specversion":"1.0","id":"4","source":"\/v1\/topics\/events\/partitions\/0","type":"sluice.record".*"data":\{"plain": 1.0\}\}/,
]

it('docs/cloudevents.md shows nothing but commands that work as written, in the order written', async () => {
  await removeTopic('events')
  onTestFinished(() => removeTopic('events'))
  const { url } = await startTestGateway()
  const commands = codeBlocks('docs/cloudevents.md').flatMap(shellCommands)
  expect(commands).toHaveLength(expected.length)
  for (const [n, command] of commands.entries()) {
    const here = command.replaceAll('http://127.0.0.1:8080', url)
    const { stdout } = await run('bash', ['-c', here.replaceAll('curl ', 'curl -sS ')])
    expect(stdout, command).toMatch(expected[n]!)
  }
})
