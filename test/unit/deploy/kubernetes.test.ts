import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../../src/config/config.ts'
import { contract } from '../../support/contract.ts'
import { deployTool, type Tool } from '../../support/deploy-tools.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'

const root = join(import.meta.dirname, '../../..')
const chart = join(root, 'deploy/helm/sluice')
const [kubectl, helm, validate] = ['kubectl', 'helm', 'kubernetes-validate'].map(deployTool)

/* eslint-disable @typescript-eslint/no-explicit-any -- what a manifest is, the schemas say, not a type of ours */
interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly [field: string]: any
}

/** What a tool prints. */
function printed({ status, stdout, stderr }: ReturnType<Tool>): string {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

const render: Record<string, (() => string) | undefined> = {
  'deploy/kubernetes': kubectl && (() => printed(kubectl(['kustomize', join(root, 'deploy/kubernetes')]))),
  ...Object.fromEntries(
    globSync(join(root, 'deploy/helm/values/*.yaml')).map((values) => [
      `the chart with ${basename(values)}`,
      helm && (() => printed(helm(['template', 'gw', chart, '--values', values]))),
    ]),
  ),
}

describe.each(Object.entries(render))('%s', (_, produce) => {
  it.skipIf(produce === undefined)('has pods that run as they should, and go together with the rest', () => {
    const text = produce!()
    const all = parseAllDocuments(text, { version: '1.1' })
      .map((document) => document.toJS() as Manifest | null)
      .filter((manifest) => manifest !== null)
    const byKind = Map.groupBy(all, ({ kind }) => kind)
    const only = (kind: string) => {
      expect(byKind.get(kind)).toHaveLength(1)
      return byKind.get(kind)![0]!
    }
    const deployment = only('Deployment')
    const { template, selector, strategy } = deployment.spec
    const [container] = template.spec.containers
    const config = configOf(container, byKind.get('ConfigMap')!)

    // What selects these pods, selects them.
    const selectors = [
      selector.matchLabels,
      only('Service').spec.selector,
      only('PodDisruptionBudget').spec.selector.matchLabels,
      ...[...(byKind.get('NetworkPolicy') ?? []), ...(byKind.get('PodMonitor') ?? [])].map(
        ({ spec }) => (spec.podSelector ?? spec.selector).matchLabels,
      ),
      ...template.spec.topologySpreadConstraints.map(
        (constraint: any) => constraint.labelSelector.matchLabels,
      ),
    ]
    for (const labels of selectors) {
      expect(Object.keys(labels)).not.toEqual([])
      expect(template.metadata.labels).toMatchObject(labels)
    }
    for (const { spec } of byKind.get('HorizontalPodAutoscaler') ?? []) {
      expect(spec.scaleTargetRef).toMatchObject({ kind: 'Deployment', name: deployment.metadata.name })
      expect(deployment.spec).not.toHaveProperty('replicas')
    }
    expect(only('ServiceAccount')).toMatchObject({
      metadata: { name: template.spec.serviceAccountName },
      automountServiceAccountToken: false,
    })

    // The Pod Security Standard `restricted`, and a root that can't be written.
    for (const pod of [template.spec, ...(byKind.get('Pod') ?? []).map(({ spec }) => spec)]) {
      expect(pod).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } },
      })
      for (const each of pod.containers) {
        expect(each.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
        expect(each.resources).toMatchObject({
          requests: { cpu: expect.any(String) },
          limits: { memory: expect.any(String) },
        })
      }
      for (const volume of pod.volumes ?? []) {
        expect(['secret', 'configMap']).toContain(Object.keys(volume).find((key) => key !== 'name'))
      }
    }

    // A rolling update never has fewer pods than before, and a pod has the time that it takes to stop.
    expect(strategy.rollingUpdate.maxUnavailable).toBe(0)
    const stop = (config.drainDelayMs + config.shutdownTimeoutMs) / 1000
    const spare = template.spec.terminationGracePeriodSeconds - stop
    expect(config.drainDelayMs).toBeGreaterThanOrEqual(5_000)
    expect(spare).toBeGreaterThanOrEqual(5)

    // Probes ask routes that there are, on the port that is listened on, as HTTPS where it is.
    const ports = Object.fromEntries(container.ports.map((port: any) => [port.name, port.containerPort]))
    expect(ports).toEqual({ http: config.port, metrics: config.metrics.port })
    for (const probe of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
      expect(contract.paths).toHaveProperty(probe.httpGet.path)
      expect(probe.httpGet.port).toBe('http')
      expect(probe.httpGet.scheme ?? 'HTTP').toBe(config.tls === undefined ? 'HTTP' : 'HTTPS')
    }
    expect(config.metrics.host).toBe('0.0.0.0')
    for (const { targetPort } of only('Service').spec.ports) expect(targetPort).toBe('http')

    // Kafka's ports are let out.
    const out = (byKind.get('NetworkPolicy') ?? []).flatMap(({ spec }) =>
      spec.egress.flatMap(({ ports }: any) => ports),
    )
    for (const broker of config.kafka.brokers) {
      const port = Number(broker.split(':')[1])
      expect(out.some((rule: any) => rule.port <= port && port <= (rule.endPort ?? rule.port))).toBe(true)
    }
  })
})

/** The settings of a container, as the gateway reads them; files that they name are where volumes put them. */
function configOf(container: any, configMaps: readonly Manifest[]) {
  const { name } = container.envFrom[0].configMapRef
  const env = configMaps.find(({ metadata }) => metadata.name === name)!.data as Record<string, string>
  const mounts = (container.volumeMounts ?? []).map(({ mountPath }: any) => `${mountPath}/`)
  const dir = temporaryDir()
  const here = Object.entries(env).map(([setting, value]) => {
    if (!setting.endsWith('_FILE')) return [setting, value]
    expect(mounts.some((mount: string) => value.startsWith(mount))).toBe(true)
    const file = join(dir, setting)
    // A password is read at once.
    writeFileSync(
      file,
      setting === 'KAFKA_TLS_CA_FILE' ? readFileSync('/etc/ssl/certs/ca-certificates.crt') : 'text',
    )
    return [setting, file]
  })
  return loadConfig({ SLUICE_HOST: '0.0.0.0', ...Object.fromEntries(here) })
}

it.skipIf(validate === undefined)(
  "is valid by Kubernetes's own schemas, which know every field",
  { timeout: 60_000 },
  () => {
    const dir = temporaryDir()
    // In one go: to read the schemas takes seconds. A PodMonitor has none there.
    const files = Object.values(render).flatMap((produce, n) => {
      if (produce === undefined) return []
      const file = join(dir, `${n}.yaml`)
      writeFileSync(file, produce())
      return [file]
    })
    const { status, stdout, stderr } = validate!(['--strict', '--quiet', '--no-warn', ...files])
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
  },
)

describe.skipIf(helm === undefined)('the chart', () => {
  it.each(globSync(join(root, 'deploy/helm/values/*.yaml')).map((path) => basename(path)))(
    'passes helm lint with %s',
    (values) => {
      const { status, stdout } = helm!([
        'lint',
        '--strict',
        chart,
        '--values',
        join(root, 'deploy/helm/values', values),
      ])
      expect({ status, stdout }).toMatchObject({ status: 0 })
    },
  )

  it.each([
    ['no Kafka', {}, 'KAFKA_BROKERS'],
    [
      'a setting that is no text',
      { settings: { KAFKA_BROKERS: 'k:1', SLUICE_WORKERS: 2 } },
      'SLUICE_WORKERS',
    ],
    [
      'a secret among the settings',
      { settings: { KAFKA_BROKERS: 'k:1', KAFKA_SASL_PASSWORD: 'x' } },
      'KAFKA_SASL_PASSWORD',
    ],
    ['a value that there is not', { settings: { KAFKA_BROKERS: 'k:1' }, replicaCount: 2 }, 'replicaCount'],
    ['nobody having to show who they are', { settings: { KAFKA_BROKERS: 'k:1' } }, 'SLUICE_INSECURE'],
    ['keys without rules', { settings: { KAFKA_BROKERS: 'k:1', SLUICE_API_KEYS_FILE: '/k' } }, 'policy'],
  ])('refuses %s', (_, values, named) => {
    const { status, stderr } = helm!(['template', 'gw', chart, '--values', '-'], {
      input: JSON.stringify(values),
    })
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining(named) })
  })

  it('is of the version that it installs', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(readFileSync(join(chart, 'Chart.yaml'), 'utf8')).toContain(`appVersion: ${version}\n`)
    expect(readFileSync(join(root, 'deploy/kubernetes/kustomization.yaml'), 'utf8')).toContain(
      `newTag: ${version}\n`,
    )
  })
})
