import { z } from 'zod'
import type { Deps } from '../../deps.ts'
import { TICKET_MS } from '../../auth/tickets.ts'
import { Problem } from '../../problems/problem.ts'
import { addRoute, type App, kafkaProblems, parseQuery, problemResponses } from '../route.ts'

const Ticket = z
  .strictObject({
    ticket: z.string().describe('For `?ticket=` of one stream.'),
    expiresAt: z.number().describe('Until when it can be used, milliseconds since the epoch.'),
  })
  .meta({ id: 'Ticket', example: { ticket: 'eyJwIjoia2V5OndlYiJ9…', expiresAt: 1795466350013 } })

const NoQuery = z.strictObject({})

/** Tickets for browsers, whose WebSocket and EventSource can send no header. */
export function registerTickets(app: App, { tickets, guard }: Deps): void {
  addRoute(
    app,
    {
      operationId: 'createTicket',
      access: 'asked by the handler',
      method: 'post',
      path: '/v1/tickets',
      tags: ['Access'],
      summary: 'Get a ticket for a stream',
      description: `Stands for whoever asks for it: put it into the URL of a WebSocket, or of a read that a browser's EventSource makes, as \`ticket=\`. It can be used once, within ${TICKET_MS / 1_000} seconds, and from pages of the origin that asked for it.`,
      responses: {
        201: { description: 'The ticket.', content: { 'application/json': { schema: Ticket } } },
        ...problemResponses(...kafkaProblems, 'invalid_parameter', 'no_tickets'),
      },
    },
    async (c) => {
      parseQuery(NoQuery, c)
      const { incoming } = c.env
      const { isKnown, principal } = guard.callerOf(incoming)
      if (!isKnown) throw guard.unauthenticated()
      if (tickets === undefined) throw new Problem('no_tickets')
      const answer: z.input<typeof Ticket> = await tickets.issue(principal, incoming.headers.origin)
      return c.json(answer, 201, { 'cache-control': 'no-store' })
    },
  )
}
