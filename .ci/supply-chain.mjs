// What the gateway is made of and whether any of it is known to be bad: node .ci/supply-chain.mjs [FOLDER_OF_TOOLS]
// Writes dist/sbom.cdx.json (CycloneDX). Fails for a package under a licence that is not allowed, a known vulnerability of
// level high, or a signature that is wrong. A registry that can't be asked is said in a line, and fails nothing.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const tools = process.argv[2]
const sbomFile = 'dist/sbom.cdx.json'
/** Those that ask no more than that they be named. */
const allowedLicences = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
])
const REGISTRY_MS = 20_000

let failed = false
const fail = (line) => {
  failed = true
  console.log(`failed: ${line}`)
}

/** npm's answer as JSON; undefined where it has none. */
function npm(...args) {
  const { stdout } = spawnSync('npm', [...args, '--fetch-retries=0'], {
    encoding: 'utf8',
    timeout: REGISTRY_MS,
  })
  try {
    return JSON.parse(stdout)
  } catch {
    return undefined
  }
}

function bill() {
  const sbom = npm('sbom', '--sbom-format=cyclonedx', '--omit=dev')
  if (!(sbom?.components?.length > 0)) return fail('npm sbom lists nothing')
  for (const { externalReferences = [] } of sbom.components) {
    // git@host:path is no URL, though npm takes it from a package for one.
    for (const reference of externalReferences)
      reference.url = reference.url.replace(/^git@([^:/]+):/, 'ssh://git@$1/')
  }
  mkdirSync('dist', { recursive: true })
  writeFileSync(sbomFile, JSON.stringify(sbom, null, 2))
  console.log(`${sbomFile}: ${sbom.components.length} packages`)
  for (const { name, version, licenses = [] } of sbom.components) {
    const ids = licenses.map(({ license, expression }) => license?.id ?? license?.name ?? expression)
    if (!(ids.length > 0 && ids.every((id) => allowedLicences.has(id)))) {
      fail(`${name}@${version} is under ${ids.join(', ') || 'no licence'}`)
    }
  }
  validate(sbom.specVersion)
}

/** By the schema of CycloneDX itself, where its library is here. */
function validate(version) {
  const python = tools && join(tools, '..', 'python', 'bin', 'python')
  if (!python || !existsSync(python))
    return console.log('the schema of CycloneDX is not here: not checked against it')
  const script = [
    'import sys',
    'from cyclonedx.schema import SchemaVersion',
    'from cyclonedx.validation.json import JsonStrictValidator',
    'error = JsonStrictValidator(SchemaVersion.from_version(sys.argv[1])).validate_str(sys.stdin.read())',
    'sys.exit(None if error is None else str(error)[:500])',
  ]
  const input = readFileSync(sbomFile)
  const { status, stderr } = spawnSync(python, ['-c', script.join('\n'), version], {
    input,
    encoding: 'utf8',
  })
  if (status === 0) return console.log(`valid by the schema of CycloneDX ${version}`)
  fail(`no valid CycloneDX ${version}: ${stderr}`)
}

function audit() {
  const found = npm('audit', '--omit=dev', '--audit-level=high', '--json')
  if (found?.metadata?.vulnerabilities === undefined) {
    return console.log('this registry cannot audit: known vulnerabilities were not looked for')
  }
  const { high, critical, total } = found.metadata.vulnerabilities
  if (high + critical === 0) return console.log(`${total} known vulnerabilities, none of level high`)
  for (const [name, { severity }] of Object.entries(found.vulnerabilities)) {
    if (severity === 'high' || severity === 'critical') fail(`${name} has a known vulnerability, ${severity}`)
  }
}

function signatures() {
  const found = npm('audit', 'signatures', '--json')
  if (!Array.isArray(found?.invalid)) {
    return console.log('this registry or its keys cannot be reached for that: signatures were not checked')
  }
  for (const { name, version } of found.invalid) fail(`the signature of ${name}@${version} is wrong`)
  if (found.invalid.length === 0) console.log('no signature is wrong')
}

bill()
audit()
signatures()
process.exitCode = failed ? 1 : 0
