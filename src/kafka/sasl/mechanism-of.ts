import type { SaslConfig } from '../../config/kafka-config.ts'
import { Secret } from '../../config/secret.ts'
import type { Mechanism } from './mechanism.ts'
import { signMskToken } from './msk-iam-token.ts'
import { oauthBearer, type Tokens } from './oauth-bearer.ts'
import { fetchOAuthToken } from './oauth-token.ts'
import { plain } from './plain.ts'
import { scram } from './scram.ts'
import { secretFor } from './secret-for.ts'
import { TokenSource } from './token-source.ts'

/** The mechanism that the configuration asks for. One serves all connections: they share its token. */
export function mechanismOf(sasl: SaslConfig): Mechanism {
  switch (sasl.mechanism) {
    case 'PLAIN':
      return plain(sasl.username, sasl.password)
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return scram(sasl.mechanism, sasl.username, sasl.password)
    case 'OAUTHBEARER': {
      const { token, extensions } = sasl
      const tokens: Tokens =
        token instanceof Secret
          ? { get: () => secretFor('token', token) }
          : new TokenSource(() => fetchOAuthToken(token))
      return oauthBearer(tokens, extensions)
    }
    case 'AWS_MSK_IAM':
      // For Kafka it is OAUTHBEARER, with a signed request for a token.
      return oauthBearer(new TokenSource(() => signMskToken(sasl.region)), {})
  }
}
