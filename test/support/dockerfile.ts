import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'

/** One instruction of a Dockerfile: `COPY`, `a b`. */
interface Instruction {
  readonly name: string
  readonly text: string
}

/** What an image starts and knows, and the folder that stands for its file system. */
export interface Image {
  readonly root: string
  readonly base: string
  readonly workdir: string
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** As written: `65532:65532`. */
  readonly user: string
  readonly stopSignal: string
  readonly cmd: readonly string[]
  readonly healthcheck: readonly string[]
}

type Stage = { -readonly [K in keyof Image]: Image[K] } & { readonly args: Record<string, string> }

/**
 * Does what a Dockerfile says in empty folders, one a stage, as far as that needs no container: it copies and runs.
 * Base images are left out, so `RUN` finds the commands of this machine. Only what the project's Dockerfile uses is
 * understood; anything else is an error. Owners are kept where this runs as root.
 */
export function buildImage(context: string, into: string, env: NodeJS.ProcessEnv): Image {
  const allowed = allowedByDockerignore(context)
  const stages = new Map<string, Stage>()
  const global: Record<string, string> = {}
  let stage: Stage | undefined
  for (const { name, text: raw } of parse(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    // A shell has variables of its own.
    const text =
      name === 'RUN' ? raw : raw.replaceAll(/\$\{(\w+)\}/g, (_, arg) => (stage?.args ?? global)[arg]!)
    const pairs = () =>
      [...text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g)].map(([, key, quoted, plain]) => [
        key!,
        quoted ?? plain!,
      ])
    if (name === 'ARG') Object.assign(stage?.args ?? global, Object.fromEntries(pairs()))
    else if (name === 'FROM') {
      const [, base = '', alias = 'final'] = /^(\S+)(?: AS (\w+))?$/.exec(text)!
      stage = { root: join(into, alias), base, args: {}, workdir: '/', env: {}, labels: {}, ...unset }
      mkdirSync(stage.root, { recursive: true })
      stages.set(alias, stage)
    } else if (stage === undefined) throw new Error(`${name} before FROM`)
    else if (name === 'WORKDIR') {
      stage.workdir = text
      mkdirSync(join(stage.root, text), { recursive: true })
    } else if (name === 'ENV') stage.env = { ...stage.env, ...Object.fromEntries(pairs()) }
    else if (name === 'LABEL') stage.labels = { ...stage.labels, ...Object.fromEntries(pairs()) }
    else if (name === 'USER') stage.user = text
    else if (name === 'STOPSIGNAL') stage.stopSignal = text
    else if (name === 'CMD') stage.cmd = JSON.parse(text)
    else if (name === 'HEALTHCHECK') stage.healthcheck = JSON.parse(text.slice(text.indexOf('CMD ') + 4))
    else if (name === 'RUN') {
      const cwd = join(stage.root, stage.workdir)
      const [uid, gid] = stage.user.split(':').map(Number)
      const user = isRoot && uid !== undefined && uid > 0 && { uid, gid: gid! }
      execFileSync('sh', ['-c', text], { cwd, env: { ...env, ...stage.env }, stdio: 'pipe', ...user })
    } else if (name === 'COPY') copy(text, stage, stages, context, allowed)
    else if (name !== 'EXPOSE') throw new Error(`not understood: ${name}`)
  }
  return stages.get('final')!
}

/**
 * The command line that runs another one in an image's folder as a container would: nothing of this machine's files is
 * there, none can be written, and the user is the image's. Takes root, and Linux; undefined elsewhere.
 */
export function confined(image: Image, command: readonly string[]): string[] | undefined {
  if (!isRoot || spawnSync('unshare', ['--mount', 'true']).status !== 0) return undefined
  const [uid, gid] = image.user.split(':')
  const enter = `unshare --root="$0" --wd="${image.workdir}" --setgid=${gid} --setuid=${uid} -- "$@"`
  const script = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec ${enter}`
  // This machine's PATH finds what enters the image, the image's own what runs in it.
  const env = [
    '/usr/bin/env',
    `PATH=${process.env.PATH}`,
    'unshare',
    '--mount',
    'sh',
    '-c',
    script,
    image.root,
  ]
  const [name = '', ...args] = command
  const bin = image.env.PATH!.split(':').find((folder) => existsSync(join(image.root, folder, name)))
  return [...env, `${bin}/${name}`, ...args]
}

const isRoot = process.getuid?.() === 0
const unset = { user: '0:0', stopSignal: '', cmd: [], healthcheck: [] }

function copy(
  text: string,
  stage: Stage,
  stages: ReadonlyMap<string, Stage>,
  context: string,
  allowed: ReadonlySet<string>,
): void {
  const [, from, owner, paths] = /^(?:--from=(\w+) )?(?:--chown=(\d+:\d+) )?(.*)$/.exec(text)!
  const sources = paths!.split(' ')
  const target = sources.pop()!
  const destination = isAbsolute(target) ? join(stage.root, target) : join(stage.root, stage.workdir, target)
  for (const source of sources) {
    if (from === undefined && !allowed.has(source)) throw new Error(`.dockerignore leaves out ${source}`)
    const found = join(from === undefined ? context : stages.get(from)!.root, source)
    const isFolder = statSync(found).isDirectory()
    const into = !isFolder && target.endsWith('/') ? join(destination, basename(source)) : destination
    mkdirSync(isFolder ? into : dirname(into), { recursive: true })
    // From stage to stage by links: an image holds a whole Node.
    const how = from === undefined ? '-a' : '-al'
    execFileSync('cp', [how, '--no-target-directory', found, into])
  }
  if (isRoot && owner !== undefined) execFileSync('chown', ['-R', owner, destination])
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
