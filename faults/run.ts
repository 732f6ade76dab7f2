import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Options, parseOptions, usage } from './options.ts'
import { playOn, type PlayOptions, type Result } from './play.ts'
import { published } from './publish.ts'
import { seededRandom } from './random.ts'
import { details, say, summary } from './report.ts'
import { scenarios } from './scenarios/all.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { onStage, type Stage } from './stage/stage.ts'

// What was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))

function publish(result: Result): void {
  const page = join(import.meta.dirname, '../docs/reliability.md')
  writeFileSync(page, published(readFileSync(page, 'utf8'), [result], scenarios))
}

/** Plays scenarios, those without brokers of their own on one stage. */
async function play(chosen: readonly Scenario[], options: Options): Promise<Result[]> {
  const { seed, heapMb } = options
  const results: Result[] = []
  const folder = mkdtempSync(join(tmpdir(), 'sluice-faults-'))
  say(`seed ${seed}; logs and histories in ${folder}`)
  const gatewayFlags = heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`]
  const all = async (stage: Stage, scenario: Scenario) => {
    const given: PlayOptions = {
      ...{ seed, say, isKept: options.isKept },
      seconds: options.seconds ?? scenario.seconds ?? 20,
      ...(options.maxRssMb !== undefined && { maxRssMb: options.maxRssMb }),
    }
    say(`${scenario.name}: ${scenario.title}`)
    const result = await playOn(stage, scenario, given)
    results.push(result)
    process.stdout.write(`${details(result)}\n`)
    if (options.isPublished) publish(result)
  }
  const playable = chosen.filter((scenario) => {
    const missing = scenario.missing?.()
    if (missing !== undefined) process.stdout.write(`SKIPPED ${scenario.name}: ${missing}\n`)
    return missing === undefined
  })
  const together = playable.filter(({ stage }) => stage === undefined)
  if (together.length > 0) {
    await onStage({ folder, random: seededRandom(seed), gatewayFlags }, async (stage) => {
      for (const scenario of together) await all(stage, scenario)
    })
  }
  for (const scenario of playable) {
    if (scenario.stage === undefined) continue
    const own = { gatewayFlags, ...scenario.stage, folder, random: seededRandom(seed) }
    await onStage(own, (stage) => all(stage, scenario))
  }
  return results
}

try {
  const options = parseOptions(process.argv.slice(2), scenarios)
  if (options.isList) {
    for (const { name, title, isShort } of scenarios)
      process.stdout.write(`${isShort === true ? '*' : ' '} ${name.padEnd(28)} ${title}\n`)
  } else {
    const results = await play(options.scenarios, options)
    const broken = results.filter((result) => result.broken.length > 0).length
    process.stdout.write(`${summary(results)}\n${results.length - broken} kept, ${broken} broken\n`)
    process.exitCode = broken === 0 ? 0 : 1
  }
} catch (error) {
  console.error(`faults: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exitCode = 2
}
