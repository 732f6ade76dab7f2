import { execFileSync, spawn } from 'node:child_process'
import { fewUnknown } from './few-unknown.ts'
import type { Scenario, Scene } from './scenario.ts'
import { anyGateway, between } from './targets.ts'

/** What may be left unknown of what is sent while gateways stop: a request on its way while its idle connection is closed. */
const UNKNOWN_SHARE = 0.005

export async function killGateway(scene: Scene, gateway = anyGateway(scene)): Promise<void> {
  const ms = between(100, 3_000, scene.random)
  await scene.fault(
    `${gateway.name}: kill -9, back after ${ms} ms`,
    async () => {
      await gateway.end('SIGKILL')
      await scene.pause(ms)
      await gateway.run()
    },
    { isGateway: true },
  )
}

export async function stopGateway(scene: Scene, gateway = anyGateway(scene)): Promise<void> {
  await scene.fault(
    `${gateway.name}: stops in order and comes back`,
    async () => {
      await gateway.end('SIGTERM')
      await gateway.run()
    },
    { isGateway: true },
  )
}

export async function pauseGateway(
  scene: Scene,
  ms = between(500, 6_000, scene.random),
  gateway = anyGateway(scene),
): Promise<void> {
  await scene.fault(
    `${gateway.name}: stands still for ${ms} ms`,
    async () => {
      gateway.signal('SIGSTOP')
      await scene.pause(ms)
      gateway.signal('SIGCONT')
    },
    { isGateway: true },
  )
}

/** Whether a command is on the PATH. */
function lacks(command: string): string | undefined {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`])
    return undefined
  } catch {
    return `there is no ${command}`
  }
}

export const gatewayScenarios: readonly Scenario[] = [
  {
    name: 'kill-gateway',
    title:
      'a gateway is killed with -9: who repeats a PUT at the other one, or when it is back, has each record once',
    isShort: true,
    async play(scene) {
      for (let n = 0; n < 3; n++) await killGateway(scene)
    },
  },
  {
    name: 'stop-gateway',
    title:
      'gateways stop in order under load and come back: nothing taken is dropped or left unanswered, streams go on without a gap',
    isShort: true,
    async play(scene) {
      for (const gateway of scene.gateways) await stopGateway(scene, gateway)
    },
    judge: fewUnknown(UNKNOWN_SHARE),
  },
  {
    name: 'pause-gateway',
    title: 'a gateway stands still for some seconds, as when its event loop is held up',
    async play(scene) {
      for (let n = 0; n < 3; n++) await pauseGateway(scene)
    },
  },
  {
    name: 'zombie-gateway',
    title:
      'a gateway stands still past its members’ session: their partitions are others’ then, and what it commits late is refused',
    play: (scene) => pauseGateway(scene, 16_000),
  },
  {
    name: 'starving',
    title:
      'busy loops take both processors for 15 s: answers still come in time, or say that there are too many',
    async play(scene) {
      await scene.fault('busy loops on every processor for 15 s', async () => {
        const loops = Array.from({ length: 4 }, () =>
          spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
        )
        await scene.pause(15_000)
        for (const loop of loops) loop.kill('SIGKILL')
      })
    },
  },
  {
    name: 'few-files',
    title: 'the gateways may open 128 files: whom they cannot take they turn away, and then they go on',
    missing: () => lacks('prlimit'),
    stage: { gatewayWrapper: ['prlimit', '--nofile=128:128'] },
    async play(scene) {
      const { connect } = await import('node:net')
      const { port } = scene.gateways[0]!
      await scene.fault(
        '300 connections to a gateway that may open 128 files, for 5 s',
        async () => {
          const sockets = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => {}))
          await scene.pause(5_000)
          for (const socket of sockets) socket.destroy()
        },
        { isGateway: true },
      )
    },
  },
]
