/** Network errors, and which of them may disappear by themselves. */

import { type FauxbootError, fault } from '../errors.js'
import { shownUrl } from './url.js'

/** A failure that another attempt may cure. The loop of attempts catches it; users only ever see `error`. */
export class TransientFailure {
  /**
   * @param error what to report when no attempt is left
   * @param notBefore milliseconds the server asked to wait, from `Retry-After`
   */
  constructor(
    readonly error: FauxbootError,
    readonly notBefore = 0,
  ) {}
}

/** Plain words for common codes; others keep Node's message. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke off',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EPIPE: 'the connection broke off',
  CERT_HAS_EXPIRED: "the server's certificate has expired",
}

/** TLS errors that no retry cures, because the certificate stays the same. */
const CERTIFICATE = /CERT|ALTNAME|ISSUER/

const codeOf = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : ''

/** A clock in the future may be the cause: the date is part of the message. */
const clockHint = (code: string): string =>
  code === 'CERT_HAS_EXPIRED' ? `; the clock here says ${new Date().toISOString()}` : ''

/**
 * The error for a certificate that is not yet valid: a board without a battery starts in the past, where none is.
 *
 * @param thrown what a request ended with
 * @param url that this request was sent to: after a redirect, not the one that the user gave
 * @returns FETCH_CLOCK; what was thrown if it is something else
 */
export function explainClock(thrown: unknown, url: URL): unknown {
  if (codeOf(thrown) !== 'CERT_NOT_YET_VALID') return thrown
  return fault('FETCH_CLOCK', { url: shownUrl(url), clock: new Date().toISOString(), host: url.host }, thrown)
}

/**
 * An error of Node's http, net, dns or tls as one of ours.
 *
 * @param thrown what the request ended with
 * @param url shown in the message
 * @param received bytes that had arrived
 * @returns to be thrown: transient, unless it is the certificate
 */
export function networkFailure(thrown: unknown, url: string, received: number): TransientFailure | FauxbootError {
  const code = codeOf(thrown)
  const message = thrown instanceof Error && thrown.message !== '' ? thrown.message : String(thrown)
  const words = REASONS[code] ?? message
  const reason = `${words}${code === '' ? '' : ` (${code})`} after ${received} bytes${clockHint(code)}`
  const error = fault('FETCH_NETWORK', { url, reason }, thrown)
  return CERTIFICATE.test(code) ? error : new TransientFailure(error)
}
