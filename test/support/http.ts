import { breaches } from './contract.ts'

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Buffer
  readonly text: string
  /** The body where its type is JSON, else undefined. */
  readonly json: unknown
}

export interface HttpOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** An object or array is sent as JSON, text and bytes as they are. */
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** Every answer is held against openapi.yaml: one that breaks the contract fails the test that asked for it. */
export interface HttpClient {
  get(path: string, options?: HttpOptions): Promise<HttpAnswer>
  head(path: string, options?: HttpOptions): Promise<HttpAnswer>
  post(path: string, body?: unknown, options?: HttpOptions): Promise<HttpAnswer>
  put(path: string, body?: unknown, options?: HttpOptions): Promise<HttpAnswer>
  patch(path: string, body?: unknown, options?: HttpOptions): Promise<HttpAnswer>
  delete(path: string, options?: HttpOptions): Promise<HttpAnswer>
  request(method: string, path: string, options?: HttpOptions): Promise<HttpAnswer>
  /** An answer whose body the caller reads: status and type are held against the contract, the body is not. */
  stream(path: string, options?: HttpOptions): Promise<Response>
}

/** The HTTP client of the tests, for a gateway or any URL that speaks the contract. */
export function http({ url }: { readonly url: string }): HttpClient {
  async function request(method: string, path: string, options: HttpOptions = {}): Promise<HttpAnswer> {
    const response = await send(url, method, path, options)
    const bytes = Buffer.from(await response.arrayBuffer())
    hold(method, path, response, bytes)
    const text = bytes.toString('utf8')
    const isJson = /^application\/(\S+\+)?json\b/.test(response.headers.get('content-type') ?? '')
    const json: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
    return { status: response.status, headers: response.headers, bytes, text, json }
  }
  return {
    request,
    get: (path, options) => request('GET', path, options),
    head: (path, options) => request('HEAD', path, options),
    post: (path, body, options) => request('POST', path, { ...options, body }),
    put: (path, body, options) => request('PUT', path, { ...options, body }),
    patch: (path, body, options) => request('PATCH', path, { ...options, body }),
    delete: (path, options) => request('DELETE', path, options),
    async stream(path, options = {}) {
      const response = await send(url, 'GET', path, options)
      hold('GET', path, response, undefined)
      return response
    },
  }
}

function send(url: string, method: string, path: string, options: HttpOptions): Promise<Response> {
  const { headers = {}, body, signal } = options
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  return fetch(url + path, {
    method,
    redirect: 'manual',
    headers: raw ? { ...headers } : { 'content-type': 'application/json', ...headers },
    ...(body === undefined
      ? {}
      : { body: raw ? (body as NonNullable<RequestInit['body']>) : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  })
}

function hold(method: string, path: string, response: Response, bytes: Buffer | undefined): void {
  const { pathname } = new URL(path, 'http://gateway')
  const { status, headers } = response
  const found = breaches({ method, pathname, status, headers, ...(bytes && { bytes }) })
  if (found.length === 0) return
  const body = bytes?.toString('utf8').slice(0, 2_000) ?? ''
  throw new Error(
    `The answer to ${method} ${path} breaks the contract:\n${found.map((f) => `- it ${f}`).join('\n')}\n${status} ${body}`,
  )
}
