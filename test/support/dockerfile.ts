import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** One instruction of a Dockerfile: `COPY`, `a b`. */
interface Instruction {
  readonly name: string
  readonly text: string
}

/** What an image starts and knows, and the folder that stands for its file system. */
export interface Image {
  readonly root: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly user: string
  readonly cmd: readonly string[]
  readonly healthcheck: readonly string[]
}

/**
 * Does what a Dockerfile says in empty folders, one a stage, as far as that needs no container: it copies and runs.
 * Base images are left out, so `RUN` and the result find the commands of this machine. Only what the project's
 * Dockerfile uses is understood; anything else is an error.
 */
export function buildImage(context: string, into: string, env: NodeJS.ProcessEnv): Image {
  const allowed = allowedByDockerignore(context)
  const stages = new Map<string, Image>()
  let stage: { -readonly [K in keyof Image]: Image[K] } | undefined
  for (const { name, text } of parse(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    if (name === 'FROM') {
      const alias = / AS (\w+)$/.exec(text)?.[1] ?? 'final'
      stage = { root: join(into, alias), workdir: '/', env: {}, user: 'root', cmd: [], healthcheck: [] }
      mkdirSync(stage.root, { recursive: true })
      stages.set(alias, stage)
      continue
    }
    if (stage === undefined) throw new Error(`${name} before FROM`)
    if (name === 'WORKDIR') {
      stage.workdir = text
      mkdirSync(join(stage.root, text), { recursive: true })
    } else if (name === 'ENV') {
      stage.env = { ...stage.env, ...Object.fromEntries(text.split(' ').map((pair) => pair.split('=', 2))) }
    } else if (name === 'USER') stage.user = text
    else if (name === 'CMD') stage.cmd = JSON.parse(text)
    else if (name === 'HEALTHCHECK') stage.healthcheck = JSON.parse(text.slice(text.indexOf('CMD ') + 4))
    else if (name === 'RUN') {
      const cwd = join(stage.root, stage.workdir)
      execFileSync('sh', ['-c', text], { cwd, env: { ...env, ...stage.env }, stdio: 'pipe' })
    } else if (name === 'COPY') copy(text, stage, stages, context, allowed)
    else if (name !== 'EXPOSE') throw new Error(`not understood: ${name}`)
  }
  return stages.get('final')!
}

function copy(
  text: string,
  stage: Image,
  stages: ReadonlyMap<string, Image>,
  context: string,
  allowed: ReadonlySet<string>,
): void {
  const [, from, paths] = /^(?:--from=(\w+) )?(.*)$/.exec(text)!
  const sources = paths!.split(' ')
  const target = sources.pop()!
  const destination = join(stage.root, stage.workdir, target)
  for (const source of sources) {
    if (from === undefined && !allowed.has(source)) throw new Error(`.dockerignore leaves out ${source}`)
    const found = join(from === undefined ? context : stages.get(from)!.root, source)
    cpSync(found, target.endsWith('/') ? join(destination, basename(source)) : destination, {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
}

/** Instructions with their lines joined, comments left out. */
function parse(text: string): Instruction[] {
  const joined = text.replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  const lines = joined.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => {
    const [, name, rest] = /^([A-Z]+) (.*)$/.exec(line)!
    return { name: name!, text: rest! }
  })
}

/** The names at the top that an allow-list of `*` and `!name` lets into the build. */
function allowedByDockerignore(context: string): Set<string> {
  const lines = readFileSync(join(context, '.dockerignore'), 'utf8').split('\n')
  const rules = lines.filter((line) => line !== '' && !line.startsWith('#'))
  if (rules[0] !== '*' || !rules.slice(1).every((rule) => /^![\w.-]+$/.test(rule))) {
    throw new Error('.dockerignore is not an allow-list')
  }
  return new Set(rules.slice(1).map((rule) => rule.slice(1)))
}
