import type { AuthConfig } from '../../auth/auth-config.ts'
import { CLOCK_TOLERANCE } from '../../auth/jwt.ts'
import { clockVerdict } from '../clock.ts'
import { counted, ok, problem, type Verdict } from '../finding.ts'
import { askService, reasonOf, type ServiceAnswer, shownUrl } from './http-service.ts'

/** A Date is cut to the second, ms. */
const DATE_STEP_MS = 1_000

/** Whether each provider's keys can be had, as the gateway gets them when a token comes. */
export async function identityProviderVerdicts(jwt: AuthConfig['jwt']): Promise<Verdict[]> {
  if (jwt === undefined) return [ok('none is configured (SLUICE_JWT_ISSUERS)')]
  const verdicts = await Promise.all(jwt.issuers.map((issuer) => keysOf(issuer, jwt.jwksUrl)))
  return verdicts.flat()
}

async function keysOf(issuer: string, jwksUrl: string | undefined): Promise<Verdict[]> {
  const subject = shownUrl(issuer)
  let url = jwksUrl
  try {
    if (url === undefined) {
      const discovery = await askService(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
      const document = jsonIn(discovery)
      if (typeof document?.jwks_uri !== 'string' || !URL.canParse(document.jwks_uri)) {
        return [
          problem(
            `it has no OpenID Connect discovery (${discovery.status})`,
            'Correct SLUICE_JWT_ISSUERS, or set SLUICE_JWT_JWKS_URL.',
            subject,
          ),
        ]
      }
      if (document.issuer !== issuer) {
        return [
          problem(
            'its discovery names another issuer, so its tokens are refused',
            "Write SLUICE_JWT_ISSUERS as the provider's own `issuer` is, to the last slash.",
            subject,
          ),
        ]
      }
      url = document.jwks_uri
    }
    const answer = await askService(url)
    const keys = jsonIn(answer)?.keys
    if (answer.status !== 200 || !Array.isArray(keys) || keys.length === 0) {
      return [
        problem(
          `there are no keys at ${shownUrl(url)} (${answer.status})`,
          'Correct SLUICE_JWT_JWKS_URL, or mend the provider.',
          subject,
        ),
      ]
    }
    return [ok(`${counted(keys.length, 'key')} at ${shownUrl(url)}`, subject), ...clockOf(answer, subject)]
  } catch (error) {
    return [
      problem(
        `${shownUrl(url ?? issuer)} does not answer (${reasonOf(error)}): no token can be checked`,
        'Correct the address, let the gateway reach it, or name its authority in NODE_EXTRA_CA_CERTS.',
        subject,
      ),
    ]
  }
}

function clockOf({ aheadMs }: ServiceAnswer, subject: string): Verdict[] {
  if (aheadMs === undefined) return []
  const limit = { ms: CLOCK_TOLERANCE * 1_000, breaks: 'tokens are refused that are good' }
  return [clockVerdict("the provider's", aheadMs, DATE_STEP_MS, limit, subject)]
}

function jsonIn({ text }: ServiceAnswer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
