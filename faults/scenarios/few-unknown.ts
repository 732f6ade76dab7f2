import type { Verdict } from '../checker/check.ts'
import { sumOf } from '../report.ts'

/** Judges that no more than a share of the records is left unknown to who sent them. */
export function fewUnknown(most: number): (verdict: Verdict) => readonly string[] {
  return (verdict) => {
    const share = sumOf(verdict, 'info') / sumOf(verdict, 'sent')
    return share > most ? [`${(share * 100).toFixed(1)} % of the records are left unknown`] : []
  }
}
