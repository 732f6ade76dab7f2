import { expect, it } from 'vitest'
import { authFiles } from '../../support/auth.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { membersOf } from '../../support/groups.ts'
import { makeTopic, uniqueName } from '../../support/kafka.ts'
import { numbered, produce } from '../../support/produce.ts'
import { connect } from '../../support/ws.ts'
import { startGatewayProcess } from '../../support/ws-gateway-process.ts'

/** Of groups here: a member that stands still holds up a rebalance for as long, ms. */
const SESSION_MS = 8_000

it('a group member that reads by pattern stops reading what the policy takes from it, whatever its group does', async () => {
  const prefix = uniqueName('p-')
  const [kept, taken] = [
    await makeTopic({ name: `${prefix}kept` }),
    await makeTopic({ name: `${prefix}taken` }),
  ]
  const policy = (topics: string) =>
    `rules: [{ to: [key:a], allow: [consume], topics: ['${topics}'], groups: ['${prefix}*'] }, { to: [key:b], allow: [consume], topics: ['${prefix}*'], groups: ['${prefix}*'] }]`
  const auth = authFiles(policy(`${prefix}*`), ['a', 'b'])
  const env = { ...auth.env, SLUICE_GROUP_SESSION_TIMEOUT_MS: String(SESSION_MS) }
  const [gateway, stuck] = await Promise.all([startTestGateway(env), startGatewayProcess(env)])
  const query = { topics: `${prefix}*`, group: `${prefix}g`, from: 'earliest' }
  const reader = connect(gateway, query, { headers: auth.headers.a! })
  await reader.frame('caughtUp')
  // Has nothing to read, and stands still from now on: no rebalance ends before its session does.
  const other = connect(
    stuck,
    { ...query, topics: await makeTopic({ name: `${prefix}else` }) },
    { headers: auth.headers.b! },
  )
  await other.frame('caughtUp')
  await reader.until('the rebalance', () => reader.all('assigned').length > 0)
  stuck.process.signal('SIGSTOP')
  const since = performance.now()
  auth.writePolicy(policy(kept))
  const isTaken = ({ topic }: { topic: string }) => topic === taken
  await reader.frame('revoked', { where: ({ partitions }) => partitions.some(isTaken) })
  expect(performance.now() - since).toBeLessThan(SESSION_MS / 2)
  await produce(taken, numbered(3))
  await produce(kept, numbered(3))
  await reader.received(3)
  expect(reader.records.some(isTaken)).toBe(false)
  stuck.process.signal('SIGKILL')
})

it('a member whose socket dropped leaves its group when its key is taken away, or the rule behind it', async () => {
  const prefix = uniqueName('p-')
  const topic = await makeTopic({ name: `${prefix}topic` })
  const policy = (b: string) =>
    `rules: [{ to: [key:a], allow: [consume], topics: ['${prefix}*'], groups: ['*'] }, { to: [key:b], allow: [consume], topics: ['${b}'], groups: ['*'] }]`
  const auth = authFiles(policy(`${prefix}*`), ['a', 'b'])
  const gateway = await startTestGateway({ ...auth.env, SLUICE_GROUP_GRACE_MS: '60000' })
  const groups = { a: `${prefix}a`, b: `${prefix}b` }
  for (const who of ['a', 'b'] as const) {
    const topics = who === 'a' ? topic : `${prefix}*`
    const socket = connect(gateway, { topics, group: groups[who] }, { headers: auth.headers[who]! })
    await socket.frame('assigned')
    socket.destroy()
  }
  const members = () => Promise.all([membersOf(groups.a), membersOf(groups.b)])
  expect(await members()).toEqual([1, 1])
  auth.writePolicy(policy('elsewhere'))
  await expect.poll(members, { timeout: 9_000 }).toEqual([1, 0])
  auth.writeKeys((key) => (key.id === 'a' ? undefined : key))
  await expect.poll(members, { timeout: 9_000 }).toEqual([0, 0])
})
