/** Who may do what: by bearer token (RFC 6750 section 2.1), or by the network of the request. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type NetworkList, networkList } from '../boot/network-list.js'
import { fault } from '../errors.js'
import type { HttpConfig } from './http-config.js'

/** A request before its body is read. */
export interface Requester {
  readonly method: string
  /** path, without the query */
  readonly path: string
  /** of the other end of the connection; a proxy's headers are not believed */
  readonly ip: string
  readonly headers: {
    readonly authorization?: string
    readonly host?: string
    readonly origin?: string
  }
}

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

export const changesNothing = (method: string): boolean => SAFE_METHODS.includes(method)

/** What anybody may read: for monitoring, and the page that asks for the token, which tells nothing of the board. */
const isPublic = (path: string): boolean => path === '/healthz' || path === '/' || path.startsWith('/page/')

/**
 * Make the check that every request passes before anything else happens.
 *
 * @returns a function that resolves when the request may go on, to whether its client may make changes; it rejects with
 *   AUTH_REQUIRED, AUTH_TOKEN, AUTH_LOOPBACK, AUTH_ORIGIN, AUTH_HOST
 */
export function createAccessCheck(
  config: Pick<HttpConfig, 'tokenFile' | 'tokenForReads' | 'allowNetworks' | 'hostNames'>,
): (requester: Requester) => Promise<boolean> {
  const { tokenFile, tokenForReads, allowNetworks, hostNames } = config
  const trusted = networkList(allowNetworks)
  return async requester => {
    const reads = changesNothing(requester.method)
    if (tokenFile === null) {
      if (reads) return false
      checkOrigin(requester)
      checkHost(requester, hostNames)
      checkNetwork(requester, trusted)
      return true
    }
    if (reads && (!tokenForReads || isPublic(requester.path))) return holdsToken(requester, tokenFile)
    checkToken(requester, await readTokenFile(tokenFile))
    return true
  }
}

/**
 * The token in a file, without the white space around it.
 *
 * @throws CONFIG_INVALID if the file cannot be read or holds no token: then every request is refused
 */
export async function readTokenFile(file: string): Promise<string> {
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (thrown) {
    const reason = `the file cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`
    throw fault('CONFIG_INVALID', { name: 'tokenFile', reason, found: file }, thrown)
  }
  const token = content.trim()
  if (token !== '') return token
  throw fault('CONFIG_INVALID', { name: 'tokenFile', reason: 'the file holds no token', found: file })
}

function checkToken({ headers }: Requester, expected: string): void {
  const given = tokenOf(headers)
  if (given === undefined) throw fault('AUTH_REQUIRED', {})
  if (!isSame(given, expected)) throw fault('AUTH_TOKEN', {})
}

/** Whether a request that needs no token has the right one; nothing is wrong if it has not. */
async function holdsToken({ headers }: Requester, tokenFile: string): Promise<boolean> {
  const given = tokenOf(headers)
  if (given === undefined) return false
  return readTokenFile(tokenFile).then(
    expected => isSame(given, expected),
    () => false,
  )
}

const tokenOf = ({ authorization = '' }: Requester['headers']): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(authorization)?.[1]

/** Digests have the same length, so the time of the comparison reveals nothing, not even the token's length. */
const isSame = (given: string, expected: string): boolean => timingSafeEqual(digest(given), digest(expected))

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/**
 * A browser sends forms to any address, loopback too, without asking. Pages of other hosts must not be able to boot a
 * board on behalf of the person viewing them.
 *
 * @throws AUTH_ORIGIN for a page that is not the board's
 */
export function checkOrigin({ headers: { origin, host = '' } }: Requester): void {
  if (origin === undefined) return
  if (URL.canParse(origin) && new URL(origin).host === host.toLowerCase()) return
  throw fault('AUTH_ORIGIN', { origin, host })
}

/**
 * The owner of a name can have it point at the board while a page from that name is open: then the page's origin is the
 * board's ("DNS rebinding"). An address cannot be pointed elsewhere.
 */
function checkHost({ headers: { host = '' } }: Requester, hostNames: readonly string[]): void {
  const [, name = ''] = /^(.*?)(?::\d*)?$/.exec(host.toLowerCase()) ?? []
  const isAddress = /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-f:.]+\])$/.test(name)
  if (isAddress || name === 'localhost' || hostNames.includes(name)) return
  throw fault('AUTH_HOST', { host: name })
}

function checkNetwork({ ip }: Requester, trusted: NetworkList): void {
  if (trusted.has(ip)) return
  throw fault('AUTH_LOOPBACK', {
    remedy: `you come from ${ip}: configure tokenFile, or list your network in allowNetworks`,
  })
}
