import { expect, it } from 'vitest'
import { kafkaTool, runTool } from '../../support/kafka-tools/index.ts'
import { uniqueName } from '../../support/kafka.ts'

it("runs Kafka's own tools one after the other, and tells what they print and how they end", async () => {
  const topic = uniqueName()
  const made = await kafkaTool('kafka-topics', ['--create', '--topic', topic])
  expect(made).toContain(`Created topic ${topic}.`)
  expect(await kafkaTool('kafka-topics', ['--list'])).toContain(topic)
  const again = await runTool('kafka-topics', ['--create', '--topic', topic])
  expect(again).toMatchObject({ code: 1, stdout: expect.stringContaining('already exists') })
  const configs = ['--describe', '--entity-type', 'brokers', '--entity-default']
  expect(await kafkaTool('kafka-configs', configs)).toContain('Default configs')
  await kafkaTool('kafka-topics', ['--delete', '--topic', topic])
})
