import { hasPostgres } from './course.ts'
import { codeBlocks, shellCommands } from './readme.ts'

export interface Expectation {
  readonly command: RegExp
  readonly prints: RegExp
  /**
   * Whether it goes on while the page does, waits for Ctrl-C, is tried again until it prints what is expected, or wants
   * what goes on to be stopped first.
   */
  readonly how?: 'stays' | 'waits' | 'again' | 'last'
}

/** What a command of the page has to print. Each must be found here, so that a new one cannot go untried. */
export const expectations: readonly Expectation[] = [
  { command: /topics create /, prints: /Created (test2|sensors|orders|invoices|customers|visits)/ },
  { command: /topics list/, prints: /test2 +1 +1/ },
  { command: /topics describe test2/, prints: /partitions +1\b[^]*LATEST/ },
  { command: /^printf/, prints: /Wrote 2 records/ },
  { command: /--from-beginning/, prints: /hello\nworld\n/, how: 'waits' },
  { command: /-d '\{"name": "test3"\}'/, prints: /"name":"test3"/ },
  { command: /v1\/topics$/, prints: /"test2"[^]*"test3"/ },
  { command: /v1\/topics\/test3$/, prints: /"latestOffset":0/ },
  { command: /-d '\{"value": "hello"\}'/, prints: /"offset":0/ },
  { command: /^curl -N/, prints: /data: .*"value":"hello"/, how: 'waits' },
  { command: /records\?from=earliest'$/, prints: /"value":"hello"/ },
  { command: /^websocat/, prints: /"value":"hello"/, how: 'waits' },
  { command: /producer.py test2 kitchen 10$/, prints: /kitchen 9: partition 0, offset 11\n$/ },
  { command: /^for sensor in kitchen garden cellar/, prints: /cellar 99: partition \d, offset \d+/ },
  {
    command: /report.py/,
    prints:
      /^cellar: 100 records in partition \[0\], each.*\ngarden:.*\[1\], each.*\nkitchen:.*\[1\], each once, in order\n$/,
  },
  { command: /browser.py/, prints: /^/, how: 'stays' },
  { command: /producer.py test2 garden 10 0.3$/, prints: /garden 9: partition 0/ },
  { command: /orders.mjs/, prints: /listens/, how: 'stays' },
  { command: /billing.py/, prints: /^/, how: 'stays' },
  { command: /-X PUT/, prints: /"accepted":"17"/ },
  { command: /127.0.0.1:8001\/17$/, prints: /"total":12.5.*"invoice":"I-17"/, how: 'again' },
  { command: /groups describe billing/, prints: /members +1[^]*orders:0,1,2/ },
  { command: /groups lag billing/, prints: /(orders +\d +\d+[^]*){3}/ },
  { command: /postgres.sh start/, prints: /PostgreSQL runs[^]*CREATE TABLE\nALTER TABLE/ },
  { command: /feeder.py/, prints: /ready/, how: 'stays' },
  { command: /subscriber.py/, prints: /^/, how: 'stays' },
  { command: /psql -c "INSERT/, prints: /INSERT 0 2/ },
  { command: /psql -c "UPDATE/, prints: /UPDATE 1/ },
  { command: /psql -c "DELETE/, prints: /DELETE 1/ },
  { command: /consume customers --exit/, prints: /^1 .*Oslo.*\n2 .*Cork.*\n2 .*Rome.*\n1 /, how: 'again' },
  { command: /sqlite3/, prints: /^\[\(2, 'Ben', 'Rome'\)\]\n$/, how: 'again' },
  { command: /pg_drop_replication_slot/, prints: /1 row/, how: 'last' },
  { command: /postgres.sh stop/, prints: /has stopped/ },
  { command: /visits.py/, prints: /48 visits/ },
  { command: /consume visits --from yesterday --until today/, prints: /^(\{.*visitor-\d.*\}\n){23,25}/ },
  { command: /replay.py/, prints: /: 24 visits, \{'\/jobs': 6, '\/prices': 18\}/ },
  { command: /from=2026-01-01T00:00:00Z&limit=3/, prints: /("offset":\d.*){3}/ },
  { command: /topics delete test2/, prints: /Deleted test2/ },
]

export interface CourseCommand {
  readonly line: number
  readonly written: string
}

/** The commands of the page in their order, but for those that have been tried already and those that can't be. */
export function commandsOfCourse(): CourseCommand[] {
  const blocks = codeBlocks('docs/course.md')
  const commands = blocks.flatMap((block) =>
    shellCommands(block).map((written) => ({ line: block.line, written })),
  )
  const first = commands.findIndex(({ written }) => written.includes('postgres.sh start'))
  const last = commands.findIndex(({ written }) => written.includes('postgres.sh stop'))
  return commands.filter(({ written }, n) => {
    // The tests of the start try the one; the other has made the Python environment.
    if (written === 'npm start' || written.startsWith('python3 -m venv')) return false
    return hasPostgres || n < first || n > last
  })
}
