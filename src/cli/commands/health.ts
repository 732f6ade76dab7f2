import type { Command } from 'commander'
import { does } from '../context.ts'
import type { Probe } from '../health/health.ts'
import { examples } from '../program.ts'

/** `sluice health`: asks the gateway that runs with the same settings. */
export function defineHealth(health: Command): void {
  health
    .option('--ready', 'whether it may be given requests')
    .option('--startup', 'whether it has had all that it needs to start')
  examples(
    health,
    `
    sluice health
    sluice health --ready --url https://sluice.example
  `,
  )
  does(health, async (context, { ready, startup }: { ready?: boolean; startup?: boolean }) => {
    const probe: Probe = ready === true ? 'readyz' : startup === true ? 'startupz' : 'healthz'
    // SLUICE_URL may name what stands before several gateways; this is about one.
    const isNamed = health.parent?.getOptionValueSource('url') === 'cli'
    const { checkHealth } = await import('../health/health.ts')
    await checkHealth(context, probe, isNamed ? context.options.url : undefined)
  })
}
