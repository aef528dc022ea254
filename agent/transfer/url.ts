/** URLs as they come from users and from `Location` headers. */

import { fault } from '../errors.js'

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

/** The URL as it may be shown: without the password that it may hold. */
export function shownUrl(url: URL): string {
  if (url.password === '') return url.href
  const shown = new URL(url)
  shown.password = '***'
  return shown.href
}

/** As `shownUrl`, of a text: one that is no URL has no password to hide. */
export const showUrl = (text: string): string => (URL.canParse(text) ? shownUrl(new URL(text)) : text)
