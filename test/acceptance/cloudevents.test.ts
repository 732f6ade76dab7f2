import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { makeTopic, removeTopic } from '../support/kafka.ts'
import { hasPython, pythonEnv } from '../support/python.ts'
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

/** Sends events by the Python SDK in both modes, and reads each back with it; prints what differs. */
const script = `
import sys, requests
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http

url = sys.argv[1]
base = {"id": "1", "source": "/py", "type": "t", "time": "2026-01-31T09:30:00+00:00", "ext": "x"}
events = [
    CloudEvent({**base, "datacontenttype": "application/json"}, {"total": 12.5, "name": "é"}),
    CloudEvent({**base, "datacontenttype": "text/plain"}, "a line"),
    CloudEvent({**base, "datacontenttype": "application/octet-stream"}, b"\\x00\\xff"),
]
for event in events:
    # In binary mode this SDK writes text of any type as a JSON string.
    for convert in (to_structured,) if event.data == "a line" else (to_structured, to_binary):
        headers, body = convert(event)
        answer = requests.post(f"{url}/records", data=body, headers=headers)
        answer.raise_for_status()
        address = f"{url}/partitions/0/records/{answer.json()['offset']}"
        back = requests.get(address, headers={"accept": "application/cloudevents+json"})
        read = from_http(back.headers, back.content)
        if read.get_attributes() != event.get_attributes() or read.data != event.data:
            print(convert.__name__, event, read)
`

it.skipIf(!hasPython)(
  'events of the Python SDK are read back by it as they were sent',
  async () => {
    const bin = await pythonEnv(['cloudevents==1.12.0', 'requests==2.32.5'])
    const { url } = await startTestGateway()
    const topic = await makeTopic()
    const { stdout } = await run(`${bin}/python`, ['-c', script, `${url}/v1/topics/${topic}`])
    expect(stdout).toBe('')
  },
  120_000,
)
