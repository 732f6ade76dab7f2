import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { codeBlocks } from './readme.ts'
import { TestProcess } from './start-process.ts'
import { temporaryDir } from './temporary-dir.ts'

const root = join(import.meta.dirname, '../..')
const PAGE = 'docs/course.md'
const REQUIREMENTS = 'examples/course/requirements.txt'

/** Whether this machine has a PostgreSQL for `examples/course/postgres.sh`; what needs one is skipped where it has none. */
export const hasPostgres =
  spawnSync('sh', ['-c', 'psql --version && { initdb --version || ls /usr/lib/postgresql/*/bin/initdb; }'])
    .status === 0
if (!hasPostgres)
  console.warn('WARNING: there is no PostgreSQL on this machine (apt-get install postgresql): not tried')

/**
 * Makes the course's Python environment as the page says, where that has not been done for this page and these packages.
 * @returns its `bin`
 */
export function courseEnvironment(): string {
  const commands = codeBlocks(PAGE).find(({ code }) => code.includes('venv'))!.code
  const name = createHash('sha256')
    .update(commands)
    .update(readFileSync(join(root, REQUIREMENTS)))
  const dir = join(root, '.sluice', `course-${name.digest('hex').slice(0, 12)}`)
  if (!existsSync(join(dir, 'done'))) {
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true })
    symlinkSync(join(root, 'examples'), join(dir, 'examples'))
    const { status, stderr } = spawnSync('sh', ['-ec', commands], { cwd: dir, encoding: 'utf8' })
    if (status !== 0) throw new Error(`no Python for the course: ${stderr}`)
    writeFileSync(join(dir, 'done'), '')
  }
  return join(dir, '.venv', 'bin')
}

/** A folder as who takes the course has it, and terminals in it. */
export class Newcomer {
  readonly folder = temporaryDir()
  readonly env: Record<string, string | undefined>

  /** @param bin of the course's Python */
  constructor(bin: string, settings: Record<string, string>) {
    for (const name of ['examples', 'docs', 'bin', 'src', 'package.json', 'node_modules'])
      symlinkSync(join(root, name), join(this.folder, name))
    this.env = {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      PYTHONUNBUFFERED: '1',
      // Where npx keeps that it has been here.
      npm_config_cache: join(this.folder, '.npm'),
      ...settings,
    }
  }

  /** Types a command into a terminal of its own. It is killed, with all it has started, when the test ends. */
  start(command: string, settings: Record<string, string> = {}): TestProcess {
    const env = { ...this.env, ...settings }
    return new TestProcess('bash', ['-c', command], { cwd: this.folder, env, terminal: true })
  }

  /** What a command prints. @throws where it fails */
  async run(command: string): Promise<string> {
    const { code, stdout, stderr } = await this.start(command).ended
    if (code !== 0) throw new Error(`exit code ${code} of ${command}\n${stdout}${stderr}`)
    return stdout
  }

  /** Names a place for PostgreSQL, whose end is that of the test. */
  havePostgres(): void {
    const settings = { PGHOST: temporaryDir(), PGUSER: 'postgres', PGDATABASE: 'postgres' }
    Object.assign(this.env, settings)
    onTestFinished(() => {
      spawnSync('sh', ['examples/course/postgres.sh', 'stop'], { cwd: root, env: this.env })
    })
  }
}
