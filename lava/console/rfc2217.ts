/** Serial ports of a server whose client may set them: RFC 2217, "Telnet Com Port Control Option". */

import type { Socket } from 'node:net'
import { fault } from '../../agent/errors.js'
import { unlessAborted } from '../../agent/transfer/abort.js'
import type { ConsoleLine } from './console-line.js'
import type { LineSettings } from './line-settings.js'
import { StreamConsole } from './stream-console.js'
import { BINARY, TelnetClient } from './telnet-client.js'

/** RFC 2217 section 2 */
const COM_PORT_OPTION = 44

/** Section 3: what the client asks; the server answers with the same plus this. */
const ANSWER = 100
const SET_BAUDRATE = 1
const SET_DATASIZE = 2
const SET_PARITY = 3
const SET_STOPSIZE = 4
const SET_CONTROL = 5

/** Values of SET-PARITY, section 3. */
const PARITIES = { none: 1, odd: 2, even: 3 } as const
/** Value of SET-CONTROL: no flow control either way. */
const NO_FLOW_CONTROL = 1

/** For the server to set the port, milliseconds. */
const PATIENCE_MS = 10_000

interface Setting {
  readonly what: string
  readonly command: number
  /** big-endian */
  readonly value: readonly number[]
}

function settingsOf({ baud, parity, stop }: LineSettings): readonly Setting[] {
  return [
    {
      what: `${baud} baud`,
      command: SET_BAUDRATE,
      value: [baud >>> 24, (baud >>> 16) & 255, (baud >>> 8) & 255, baud & 255],
    },
    { what: '8 data bits', command: SET_DATASIZE, value: [8] },
    { what: `parity ${parity}`, command: SET_PARITY, value: [PARITIES[parity]] },
    { what: `${stop} stop bits`, command: SET_STOPSIZE, value: [stop] },
    { what: 'no flow control', command: SET_CONTROL, value: [NO_FLOW_CONTROL] },
  ]
}

/**
 * Set the port of a connection.
 *
 * @param socket connected to the server
 * @throws CONSOLE_GONE when the server speaks no RFC 2217, sets something else, or does not answer; the signal's reason
 */
export async function openRfc2217(
  name: string,
  socket: Socket,
  settings: LineSettings,
  signal: AbortSignal,
): Promise<ConsoleLine> {
  const gone = (reason: string) => fault('CONSOLE_GONE', { console: name, reason })
  const wanted = new Map(settingsOf(settings).map(setting => [setting.command + ANSWER, setting]))
  let done = (): void => undefined
  let fail = (_error: Error): void => undefined
  const configured = new Promise<void>((resolve, reject) => {
    done = resolve
    fail = reject
  })
  const send = (bytes: Uint8Array): void => void socket.write(bytes)
  const telnet = new TelnetClient({
    reply: send,
    offered: [BINARY, COM_PORT_OPTION],
    answered: (option, taken) => {
      if (option !== COM_PORT_OPTION) return
      if (!taken) return fail(gone('the server does not allow setting the port (RFC 2217); use telnet:// instead'))
      for (const { command, value } of wanted.values()) {
        send(TelnetClient.subnegotiation(COM_PORT_OPTION, [command, ...value]))
      }
    },
    subnegotiated: (option, [command = 0, ...value]) => {
      const setting = option === COM_PORT_OPTION ? wanted.get(command) : undefined
      if (setting === undefined) return
      wanted.delete(command)
      if (value.join() !== setting.value.join()) {
        fail(gone(`the server did not set ${setting.what}: it answers ${value.join(' ') || 'nothing'}`))
      } else if (wanted.size === 0) done()
    },
  })
  const line = new StreamConsole(name, socket, telnet)
  const late = setTimeout(() => {
    const missing = Array.from(wanted.values(), ({ what }) => what).join(', ')
    fail(gone(`no answer to setting ${missing} for ${PATIENCE_MS / 1000} s`))
  }, PATIENCE_MS)
  const ended = line.ended.then(reason => Promise.reject(gone(reason)))
  try {
    await unlessAborted(Promise.race([configured, ended]), signal)
    return line
  } catch (thrown) {
    await line.close()
    throw thrown
  } finally {
    clearTimeout(late)
  }
}
