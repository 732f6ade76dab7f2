// The cooperative-sticky assignor leaves a member without any partition: balancing stops where nobody holds more than the
// rounded-up average, though somebody holds less than the rounded-down one.
import { cooperativeStickyAssigner } from '@platformatic/kafka'

const topic = 't'
const member = (...partitions) => ({
  topics: [topic],
  ownedPartitions: [{ topic, partitions }],
  generationId: 1,
})
const members = new Map([
  ['a', member(0, 1)],
  ['b', member(2, 3)],
  ['c', member()],
])
const metadata = { topics: new Map([[topic, { partitionsCount: 4 }]]) }
const assigned = cooperativeStickyAssigner('a', members, new Set([topic]), metadata)
const sizes = assigned.map(({ assignments }) =>
  [...assignments.values()].reduce((sum, { partitions }) => sum + partitions.length, 0),
)
console.log(`4 partitions over 3 members: ${sizes.join(', ')}`)
process.exitCode = sizes.includes(0) ? 0 : 1
