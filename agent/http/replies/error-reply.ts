/** Every error, Fastify's own too, as an answer of the table. */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { asFault, FauxbootError, fault } from '../../errors.js'
import { JOB_MEDIA_TYPES } from '../requests/job-body.js'
import { pathOf } from '../requests/request-path.js'

/** Errors of Fastify that have a row of their own; the others are of HTTP_REQUEST when the client is to blame. */
const FASTIFY_ERRORS: Readonly<Record<string, (request: FastifyRequest) => FauxbootError>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ({ method, headers }) =>
    method === 'POST'
      ? fault('JOB_MEDIA_TYPE', { found: headers['content-type'] ?? 'none', expected: JOB_MEDIA_TYPES.join(', ') })
      : fault('HTTP_REQUEST', { reason: `${method} takes no ${headers['content-type']} here` }),
  FST_ERR_CTP_BODY_TOO_LARGE: ({ headers, routeOptions }) =>
    fault('ARTIFACT_TOO_LARGE', {
      what: 'the description of the job',
      size: headers['content-length'] ?? 'more',
      limit: routeOptions.bodyLimit,
      remedy: 'send files as parts of a form, or raise jobBodyLimit',
    }),
}

/**
 * Bring anything that was thrown while a request was handled into the table.
 */
function requestFault(thrown: FastifyError | Error, request: FastifyRequest): FauxbootError {
  if (thrown instanceof FauxbootError) return thrown
  const { code = '', statusCode = 500 } = thrown as Partial<FastifyError>
  const known = FASTIFY_ERRORS[code]?.(request)
  if (known !== undefined) return known
  if (statusCode < 500) return fault('HTTP_REQUEST', { reason: thrown.message }, thrown)
  return asFault(thrown, `answering ${request.method} ${pathOf(request.url)}`)
}

/** Fastify's error handler. */
export function answerError(thrown: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = requestFault(thrown, request)
  const { code, statusCode, message } = error
  if (statusCode >= 500) request.log.error({ code, err: error.cause ?? error }, message)
  else request.log.info({ code, method: request.method, url: pathOf(request.url), ip: request.ip }, message)
  // Fastify asks for the connection to be closed after some errors. What is still being sent would then reset it before
  // the answer is read: see request-body.ts.
  reply.removeHeader('connection')
  // RFC 9110 section 11.6.1: a 401 response says how to authenticate.
  if (statusCode === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(statusCode).type('application/json; charset=utf-8').send(error.toJSON())
}

/** Fastify's handler of routes that do not exist. */
export function answerUnknownRoute(request: FastifyRequest): never {
  throw fault('HTTP_ROUTE', { method: request.method, path: pathOf(request.url) })
}

/** Fastify's handler of bytes that are no HTTP: there is no request yet, only a connection. */
export function answerNoHttp(thrown: Error & { readonly code?: string }, socket: Socket): void {
  // The client is gone.
  if (thrown.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  endConnection(
    socket,
    thrown.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? fault('HTTP_TIMEOUT', {})
      : fault('HTTP_REQUEST', { reason: `this is not HTTP/1.1: ${thrown.message}` }),
  )
}

/** Answer with an error where no request can be answered, and end the connection. */
export function endConnection(socket: Socket, error: FauxbootError): void {
  const body = JSON.stringify(error)
  const head = [
    `HTTP/1.1 ${error.statusCode} ${STATUS_CODES[error.statusCode]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}
