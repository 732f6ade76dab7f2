/** So that ACLs can be made, and everyone may do all as before: clients without credentials are ANONYMOUS. */
export const withAuthorizer: Readonly<Record<string, string>> = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}
