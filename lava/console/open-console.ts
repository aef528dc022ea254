/** Consoles by URL. */

import { connect, type Socket } from 'node:net'
import { fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import type { ConsoleLine } from './console-line.js'
import { lineSettings } from './line-settings.js'
import { openRfc2217 } from './rfc2217.js'
import { openSerialPort } from './serial-port.js'
import { StreamConsole, streamReason } from './stream-console.js'
import { TelnetClient } from './telnet-client.js'

/** Time limit for a connection, milliseconds. */
const CONNECT_MS = 10_000

type Opener = (url: URL, signal: AbortSignal) => Promise<ConsoleLine>

/** One row a kind of console. */
const OPENERS: Readonly<Record<string, Opener>> = {
  'tcp:': async (url, signal) => new StreamConsole(url.href, await connectTo(url, signal)),
  'telnet:': async (url, signal) => {
    const socket = await connectTo(url, signal)
    return new StreamConsole(url.href, socket, new TelnetClient({ reply: bytes => socket.write(bytes) }))
  },
  'rfc2217:': async (url, signal) => {
    const settings = lineSettings(url.href, url.searchParams)
    return openRfc2217(url.href, await connectTo(url, signal), settings, signal)
  },
  'serial:': (url, signal) => {
    const settings = lineSettings(url.href, url.searchParams)
    return openSerialPort(url.href, decodeURIComponent(url.pathname), settings, signal)
  },
}

/**
 * Look at a console's URL without opening it.
 *
 * @param text `telnet://HOST:PORT`, `tcp://HOST:PORT`, `rfc2217://HOST:PORT?baud=115200`,
 *   `serial:///dev/ttyUSB0?baud=115200`, or the path of a device
 * @throws CLI_USAGE
 */
export function consoleUrl(text: string): URL {
  const wrong = (reason: string) =>
    fault('CLI_USAGE', { reason: `console ${text}: ${reason}`, command: 'fauxboot boot' })
  const url = text.startsWith('/') ? `serial://${text}` : text
  if (!URL.canParse(url)) throw wrong('is neither a URL such as telnet://HOST:PORT nor the path of a device')
  const parsed = new URL(url)
  const { protocol, hostname, port, pathname, searchParams } = parsed
  if (!Object.hasOwn(OPENERS, protocol)) {
    const known = Object.keys(OPENERS).map(name => `${name}//`)
    throw wrong(`${protocol}// is not supported; supported: ${known.join(', ')}`)
  }
  if (protocol === 'serial:') {
    if (hostname !== '' || pathname.length < 2) throw wrong('wants the path of a device: serial:///dev/ttyUSB0')
  } else if (hostname === '' || port === '' || port === '0')
    throw wrong(`wants a host and a port: ${protocol}//HOST:PORT`)
  if (protocol === 'tcp:' || protocol === 'telnet:') {
    if (searchParams.size > 0) throw wrong('the server sets the serial line, not its client; rfc2217:// can')
  } else lineSettings(text, searchParams)
  return parsed
}

/**
 * Open the console of a board.
 *
 * @param text as for {@link consoleUrl}
 * @throws CLI_USAGE for something else, CONSOLE_GONE when it cannot be opened, the signal's reason
 */
export async function openConsole(text: string, signal: AbortSignal): Promise<ConsoleLine> {
  const url = consoleUrl(text)
  signal.throwIfAborted()
  const open = OPENERS[url.protocol]
  if (open === undefined) throw fault('INTERNAL', { doing: `opening ${text}`, reason: 'its kind was checked before' })
  return open(url, signal)
}

async function connectTo(url: URL, signal: AbortSignal): Promise<Socket> {
  const gone = (reason: string) => fault('CONSOLE_GONE', { console: url.href, reason })
  // A URL has an IPv6 address in brackets.
  const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) })
  let late: NodeJS.Timeout | undefined
  const connected = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.on('error', error => reject(gone(streamReason(error))))
    late = setTimeout(() => reject(gone(`no answer for ${CONNECT_MS / 1000} s`)), CONNECT_MS)
  })
  try {
    await unlessAborted(connected, signal)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 30_000)
    return socket
  } catch (thrown) {
    socket.destroy()
    throw thrown
  } finally {
    clearTimeout(late)
  }
}
