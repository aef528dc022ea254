/** `/`: the board's page. Its files are packed when the agent is built; nothing of them is read before the first request. */

import { createHash } from 'node:crypto'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { fault } from '../../errors.js'
import { pathOf } from '../requests/request-path.js'

/** Where `agent/bundle/bundle.ts` puts the page's files. */
const BUNDLED = join(import.meta.dirname, 'page')

const START = 'index.html'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/** Nothing from elsewhere, nothing inline, and no other page around it. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

interface PackedFile {
  readonly path: string
  /** bytes */
  readonly size: number
  readonly etag: string
}

/**
 * Serve the page.
 *
 * @param directory of its files; default: beside the agent's bundle
 */
export function addPageRoutes(app: FastifyInstance, directory = BUNDLED): void {
  let files: Promise<ReadonlyMap<string, PackedFile>> | undefined
  const send = async (request: FastifyRequest, reply: FastifyReply, name: string): Promise<FastifyReply> => {
    files ??= packedFiles(directory)
    const file = (await files).get(name)
    if (file === undefined) throw fault('HTTP_ROUTE', { method: request.method, path: pathOf(request.url) })
    const isKnown = request.headers['if-none-match'] === file.etag
    const packed = isKnown ? null : (await open(file.path)).createReadStream()
    reply.headers(SECURITY_HEADERS)
    // The names of all files but the first contain their digests.
    reply.header('cache-control', name === START ? 'no-cache' : 'public, max-age=31536000, immutable')
    reply.header('etag', file.etag).header('vary', 'accept-encoding')
    if (packed === null) return reply.code(304).send()
    reply.type(TYPES[extname(name)] ?? 'application/octet-stream')
    if (!/\bgzip\b/.test(String(request.headers['accept-encoding']))) {
      // An error of the one ends the other, and so the answer.
      return reply.send(pipeline(packed, createGunzip(), () => undefined))
    }
    return reply.header('content-encoding', 'gzip').header('content-length', file.size).send(packed)
  }
  const hidden = { schema: { hide: true } }
  app.get('/', hidden, (request, reply) => send(request, reply, START))
  app.get<{ Params: { name: string } }>('/page/:name', hidden, (request, reply) =>
    send(request, reply, request.params.name),
  )
}

/** The files by the names under which they are served; none where the page has not been built. */
async function packedFiles(directory: string): Promise<ReadonlyMap<string, PackedFile>> {
  const names = await readdir(directory).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return []
    throw thrown
  })
  const packed = names.filter(name => name.endsWith('.gz'))
  const entries = packed.map(async (file): Promise<[string, PackedFile]> => {
    const path = join(directory, file)
    const name = file.slice(0, -'.gz'.length)
    const { size } = await stat(path)
    return [name, { path, size, etag: `"${name === START ? await digestOf(path) : name}"` }]
  })
  return new Map(await Promise.all(entries))
}

const digestOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
    .slice(0, 16)
