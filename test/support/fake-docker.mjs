// Stands in for the docker command: writes down how it was called, and for `run` forwards the published port to a
// Kafka that is there, until it is told to stop.
import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'

const [, , command, ...args] = process.argv
const { FAKE_DOCKER_STATE: state, FAKE_DOCKER_KAFKA: kafka } = process.env
appendFileSync(`${state}/calls`, `${[command, ...args].join(' ')}\n`)
const image = `${state}/image`
if (command === 'image') process.exit(existsSync(image) ? 0 : 1)
if (command === 'pull') {
  console.log('Pulling from apache/kafka')
  writeFileSync(image, '')
}
if (command === 'rm') rmSync(`${state}/running`, { force: true })
if (command === 'run') {
  const port = Number(/127\.0\.0\.1:(\d+):/.exec(args[args.indexOf('-p') + 1])[1])
  const target = Number(kafka.split(':')[1])
  writeFileSync(`${state}/running`, '')
  createServer((socket) => {
    const other = connect(target, '127.0.0.1')
    socket.pipe(other).pipe(socket)
    for (const end of [socket, other]) end.on('error', () => {})
  }).listen(port, '127.0.0.1')
  process.on('SIGTERM', () => {
    rmSync(`${state}/running`, { force: true })
    process.exit(143)
  })
}
