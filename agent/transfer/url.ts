/** URLs as they come from users and from `Location` headers. */

import { fault, withoutUserInfo } from '../errors.js'

/** The protocols of RFC 9110 section 4.2. */
const PROTOCOLS: readonly string[] = ['http:', 'https:']

/**
 * Read a URL that is to be fetched.
 *
 * @param text absolute, or relative to `base`
 * @throws FETCH_PROTOCOL when it is no URL, or neither http nor https
 */
export function parseFetchUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw fault('FETCH_PROTOCOL', { url: text, protocol: 'text that is not a URL' })
  const url = new URL(text, base)
  if (!PROTOCOLS.includes(url.protocol)) {
    throw fault('FETCH_PROTOCOL', { url: shownUrl(url), protocol: url.protocol.slice(0, -1) })
  }
  return url
}

/** The URL as it may be shown: without the user and the password that it may hold. */
export const shownUrl = (url: URL): string => withoutUserInfo(url.href)

/** As `shownUrl`, of a text, which need not be a URL. */
export const showUrl = (text: string): string => (URL.canParse(text) ? shownUrl(new URL(text)) : withoutUserInfo(text))
