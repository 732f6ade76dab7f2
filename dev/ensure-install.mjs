// npm runs this before `npm start`, `npm test` and whatever else starts something. It must do without packages, and on
// the machine's own Node: it is what installs the packages, Node 24 among them.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_MAJOR = 24
const root = fileURLToPath(new URL('..', import.meta.url))
const ownNode = join(root, 'node_modules', '.bin', 'node')
// Without node_modules/.bin: `npm ci` removes that folder, and the Node in it, while it runs.
const env = {
  ...process.env,
  PATH: (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter),
}

const reason = whyInstall()
if (reason !== undefined) install(reason)
if (!existsSync(ownNode)) requireSystemNode()

/** Why the installed packages are not those of package-lock.json; undefined where they are. */
function whyInstall() {
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'))
  if (installed === undefined) return 'there is no node_modules yet'
  const wanted = packagesOf(join(root, 'package-lock.json'))
  // Starting needs no development packages: an install without them is left as it is.
  const starting = process.env.npm_lifecycle_event === 'prestart'
  for (const [path, { version, optional, dev }] of Object.entries(wanted ?? {})) {
    if (path === '' || (optional && !(path in installed)) || (dev && starting)) continue
    if (installed[path]?.version !== version) return 'package-lock.json has changed'
  }
  return undefined
}

function packagesOf(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages
  } catch {
    return undefined
  }
}

function install(why) {
  console.error(`sluice: installing packages with npm ci, since ${why}`)
  const started = Date.now()
  // npm's own patience with a registry it can't reach is minutes.
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000']
  const args = ['ci', '--loglevel=error', '--no-audit', '--no-fund', ...patience]
  const { status, error } = spawnSync('npm', args, { cwd: root, env, stdio: 'inherit' })
  if (error) fail(`npm can't be run (${error.message}): install it, it comes with Node.`)
  if (status !== 0) {
    fail(
      "the packages could not be installed, npm's reason is above: if it can't reach its registry, check the network, " +
        'the proxy and `npm config get registry`, then run the same command again.',
    )
  }
  console.error(`sluice: packages installed in ${Math.round((Date.now() - started) / 1000)} s`)
  if (existsSync(ownNode) && spawnSync(ownNode, ['--version']).status !== 0) {
    // It does not run here (another C library, for one), and npm scripts would find it first.
    rmSync(ownNode)
  }
}

/** Where npm put no Node 24 in place (`ignore-scripts`, an unusual machine) the machine's own has to be one. */
function requireSystemNode() {
  const { stdout } = spawnSync('node', ['--version'], { env, encoding: 'utf8' })
  if (Number(/^v(\d+)/.exec(stdout ?? '')?.[1]) >= NODE_MAJOR) return
  fail(
    `Node ${NODE_MAJOR} is needed and this machine's is ${(stdout ?? '').trim() || 'none'}: npm could not put its own copy ` +
      "in place, so check that npm's ignore-scripts is not set, remove node_modules and try again, or install Node " +
      `${NODE_MAJOR}.`,
  )
}

function fail(sentence) {
  console.error(`sluice: ${sentence}`)
  process.exit(1)
}
