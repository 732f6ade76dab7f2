import { mixedLoad } from './mixed.ts'
import type { Scenario } from './scenario.ts'

/** Every scenario there is. */
export const scenarios: readonly Scenario[] = [mixedLoad]
