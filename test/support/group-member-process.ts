/**
 * A group member in a process of its own, to be stopped in its tracks. Its arguments are bootstrap, group, topic and session
 * timeout; each line that it reads makes it commit 1,000 for partition 0, and what it is told it writes, a line each.
 */
import { createInterface } from 'node:readline'
import { Cluster } from '../../src/kafka/cluster.ts'
import { GroupMember } from '../../src/kafka/group/member.ts'

const [bootstrap = '', groupId = '', topic = '', sessionTimeoutMs = ''] = process.argv.slice(2)
const say = (what: string, partitions: readonly { partition: number }[] = []) =>
  console.log([what, partitions.map((p) => p.partition).join()].join(' ').trim())

const cluster = new Cluster({ brokers: bootstrap.split(','), clientId: 'member-process' })
const member = new GroupMember(
  cluster,
  {
    groupId,
    topics: [topic],
    sessionTimeoutMs: Number(sessionTimeoutMs),
    heartbeatMs: 150,
    rebalanceTimeoutMs: 30_000,
  },
  {
    assigned: (partitions) => say('assigned', partitions),
    revoked: (partitions) => say('revoked', partitions),
    lost: (partitions) => say('lost', partitions),
    failed: (problem) => say(`failed ${problem.code}`),
  },
  { debug: () => {}, warn: () => {} },
)
await member.start()
const commands = createInterface({ input: process.stdin })
commands.on('line', (line) => {
  if (line === 'leave') {
    commands.close()
    process.stdin.destroy()
    // Nothing of the member may keep the process alive after this.
    void member.leave().then(() => cluster.close())
    return
  }
  member.commit([{ topic, partition: 0, offset: 1_000 }]).then(
    () => say('committed'),
    (error: { code: string }) => say(`refused ${error.code}`),
  )
})
