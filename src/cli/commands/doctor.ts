import type { Command } from 'commander'
import { collect, does } from '../context.ts'
import type { DoctorOptions } from '../doctor/doctor.ts'
import { examples } from '../program.ts'

/**
 * `sluice doctor`: asks Kafka itself, and no gateway, as a gateway with the same environment would. What does so is loaded
 * when the command is given, as what `serve` and `up` run is.
 */
export function defineDoctor(command: Command): void {
  command
    .option('--strict', 'end with 6 where there are warnings')
    .option('--except <check>', 'a check not to be made, by its name', collect)
  examples(
    command,
    `
    KAFKA_BROKERS=kafka-1:9092 sluice doctor
    sluice doctor --strict --except may-administer
    sluice doctor --json | jq '.findings[] | select(.status == "problem")'
  `,
  )
  does(command, async (context, options: DoctorOptions) => {
    const [{ doctor }, own] = await Promise.all([
      import('../doctor/doctor.ts'),
      import('../../doctor/doctor.ts'),
    ])
    await doctor(context, options, own)
  })
}
