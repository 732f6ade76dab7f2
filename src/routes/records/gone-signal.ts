import { Problem } from '../../problems/problem.ts'
import type { AppContext } from '../route.ts'

/** Aborted when the client goes away before its answer is written: then nobody wants the rest of the work. */
export function goneSignal(c: AppContext): AbortSignal {
  const controller = new AbortController()
  const { outgoing } = c.env
  outgoing.once('close', () => {
    if (outgoing.writableFinished) return
    controller.abort(new Problem('bad_request', { detail: 'The client went away.' }))
  })
  return controller.signal
}
