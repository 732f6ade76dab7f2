import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('../../', import.meta.url).pathname

interface Import {
  readonly from: string
  /** A package's name, or a path from the root. */
  readonly to: string
  readonly typeOnly: boolean
  /** Loaded when that line is run. */
  readonly isDynamic: boolean
}

/** Every import and re-export of the files of src. */
const imports: Import[] = globSync('src/**/*.ts', { cwd: root }).flatMap((from) => {
  const text = readFileSync(join(root, from), 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm)
  const dynamic = text.matchAll(/\bimport\((?:\s*)'([^']+)'/g)
  return [
    ...[...statements].map(([, type, to = '']) => ({
      from,
      to: resolve(from, to),
      typeOnly: type !== undefined,
      isDynamic: false,
    })),
    ...[...dynamic].map(([, to = '']) => ({ from, to: resolve(from, to), typeOnly: false, isDynamic: true })),
  ]
})

function resolve(from: string, to: string): string {
  return to.startsWith('.') ? normalize(join(dirname(from), to)) : to
}

/** The imports from files below `folder` that `forbidden` matches, as `file → import`. */
function arrows(folder: string, forbidden: RegExp, { typesToo = true } = {}): string[] {
  return imports
    .filter(
      ({ from, to, typeOnly }) => from.startsWith(folder) && forbidden.test(to) && (typesToo || !typeOnly),
    )
    .map(({ from, to }) => `${from} → ${to}`)
}

describe('dependencies', () => {
  it('are found by this test', () => {
    expect(imports).toContainEqual({
      from: 'src/gateway.ts',
      to: 'src/app.ts',
      typeOnly: false,
      isDynamic: false,
    })
    expect(imports.length).toBeGreaterThan(100)
  })

  it('reach the Kafka client from src/kafka alone', () => {
    const others = arrows('src/', /^@platformatic\/kafka/).filter((arrow) => !arrow.startsWith('src/kafka/'))
    expect(others).toEqual([])
  })

  it('load what metrics and traces are made with only where it is asked for', () => {
    const makers = imports.filter(
      ({ to, typeOnly }) => !typeOnly && /^(prom-client|@opentelemetry\/.*)$/.test(to),
    )
    expect(new Set(makers.map(({ from }) => from))).toEqual(
      new Set(['src/metrics/registry.ts', 'src/tracing/otel.ts', 'src/tracing/otel-env.ts']),
    )
    const users = imports.filter(({ to }) => /^src\/(metrics\/registry|tracing\/otel(-env)?)\.ts$/.test(to))
    expect(
      users.map(({ from, to, isDynamic }) => `${from} ${isDynamic ? 'may load' : 'loads'} ${to}`).sort(),
    ).toEqual([
      'src/gateway.ts may load src/metrics/registry.ts',
      'src/gateway.ts may load src/tracing/otel.ts',
      'src/tracing/otel.ts loads src/tracing/otel-env.ts',
    ])
  })

  it('do not lead from kafka to HTTP, WebSocket or routes', () => {
    expect(
      arrows(
        'src/kafka/',
        /^(hono|@hono\/.*|ws)$|^(node:)?https?$|^src\/(http|routes|ws|streams|app|gateway|main)/,
      ),
    ).toEqual([])
  })

  it('do not lead from records to I/O, Kafka, routes or sockets', () => {
    const io = /^(node:)?(net|tls|http|https|http2|fs|fs\/promises|dgram|child_process)$/
    expect(arrows('src/records/', io)).toEqual([])
    expect(arrows('src/records/', /^(hono|@hono\/.*|ws|@platformatic\/.*)$/)).toEqual([])
    // Names of types are no dependency at run time, and records are what both sides speak of.
    expect(
      arrows('src/records/', /^src\/(http|routes|ws|streams|kafka|app|main)/, { typesToo: false }),
    ).toEqual([])
  })

  it('do not lead from streams to HTTP, WebSocket, routes or sockets', () => {
    expect(
      arrows(
        'src/streams/',
        /^(hono|@hono\/.*|ws)$|^(node:)?(https?|net|tls)$|^src\/(http|routes|ws|app|gateway|main)/,
      ),
    ).toEqual([])
  })

  it('do not lead from who may do what to Kafka, routes or sockets', () => {
    expect(
      arrows(
        'src/auth/',
        /^(hono|@hono\/.*|ws|@platformatic\/.*)$|^src\/(kafka|routes|ws|streams|app|gateway)/,
      ),
    ).toEqual([])
  })

  it('do not lead from routes, ws or streams to the wire', () => {
    expect(arrows('src/routes/', /^src\/kafka\/wire/)).toEqual([])
    expect(arrows('src/ws/', /^src\/kafka\/wire/)).toEqual([])
    expect(arrows('src/streams/', /^src\/kafka\/wire/)).toEqual([])
  })

  it('do not lead from the command line to Kafka, or to what serves: it talks to a gateway', () => {
    expect(
      arrows(
        'src/cli/',
        /^(@platformatic\/kafka|hono|@hono\/.*)$|^src\/(kafka|routes|ws|streams|app|gateway)\b/,
      ),
    ).toEqual([])
    // `sluice serve` runs main, `up` what npm start runs, and `doctor` goes to Kafka itself: it is for before there is a
    // gateway, and for one that can't reach Kafka, and says what no gateway should tell its clients. None is loaded for
    // anything else.
    const runs = imports.filter(
      ({ from, to, typeOnly }) =>
        from.startsWith('src/cli/') && !typeOnly && /^(src\/main|src\/doctor\/|dev\/)/.test(to),
    )
    expect(
      runs.map(({ from, to, isDynamic }) => `${from} ${isDynamic ? 'may load' : 'loads'} ${to}`),
    ).toEqual([
      'src/cli/commands/doctor.ts may load src/doctor/doctor.ts',
      'src/cli/commands/up.ts may load dev/start.ts',
      'src/cli/commands/up.ts may load src/main.ts',
    ])
  })

  it('lead to the doctor from its command alone, and from it to what a gateway is made of, not to what serves', () => {
    const users = imports.filter(
      ({ from, to }) => to.startsWith('src/doctor/') && !from.startsWith('src/doctor/'),
    )
    expect(new Set(users.map(({ from }) => from))).toEqual(
      new Set(['src/cli/commands/doctor.ts', 'src/cli/doctor/doctor.ts']),
    )
    expect(
      arrows(
        'src/doctor/',
        /^(commander|hono|@hono\/.*|ws)$|^src\/(cli|http|routes|ws|streams|records|app|gateway|main|workers?)\b/,
      ),
    ).toEqual([])
    expect(arrows('src/doctor/', /^src\/kafka\/wire/, { typesToo: false })).toEqual([])
  })

  it('do not lead from what serves to the command line', () => {
    const others = arrows('src/', /^(commander$|src\/cli\/)/).filter((arrow) => !arrow.startsWith('src/cli/'))
    expect(others).toEqual([])
  })

  it('do not lead back to app or main', () => {
    const back = arrows('src/', /^src\/(app|main)\.ts$/).filter(
      (arrow) => !/^src\/(main|gateway|contract\/openapi|cli\/\S+)\.?/.test(arrow),
    )
    expect(back).toEqual([])
  })
})
