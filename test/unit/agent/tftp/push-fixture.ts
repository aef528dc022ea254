/** Jobs pushed over real UDP on loopback, onto a board that is not there. */

import { createSocket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'
import { FauxbootError } from '../../../../agent/errors.js'
import type { TftpConfig } from '../../../../agent/tftp/tftp-config.js'
import { TftpJobs } from '../../../../agent/tftp/tftp-jobs.js'
import { fetchTftp, putTftp } from '../../../../agent/transfer/tftp/client/client.js'
import {
  ackPacket,
  dataPacket,
  parseTftpPacket,
  requestPacket,
  type TftpPacket,
} from '../../../../agent/transfer/tftp/packets.js'
import { type BoardChanges, Gate, IOMEM, openBoard, statesOf, type TestBoard } from '../boot/board-fixture.js'

const HOST = '127.0.0.1'

export interface TestPush {
  readonly board: TestBoard
  readonly jobs: TftpJobs
  /** what was logged: `level message {fields}` */
  readonly lines: string[]
  /** Resolves when a line matches that is logged from now on. */
  logged(pattern: RegExp): Promise<void>
  put(name: string, content: string | Uint8Array): Promise<void>
  get(name: string): Promise<string>
  /** a transfer that is refused: `number text` of the ERROR packet */
  refused(transfer: Promise<unknown>): Promise<string>
  /** id of the latest job that was pushed under a name, and its states when it has ended */
  ended(name: string): Promise<{ readonly id: string; readonly states: readonly string[] }>
}

export async function startPush(
  t: Test,
  { config = {}, ...changes }: { readonly config?: Partial<TftpConfig> } & Omit<BoardChanges, 'config'> = {},
): Promise<TestPush> {
  return pushTo(t, await openBoard(t, changes), config)
}

/** Serve TFTP in front of a board. */
export async function pushTo(t: Test, board: TestBoard, config: Partial<TftpConfig> = {}): Promise<TestPush> {
  const lines: string[] = []
  const news = new EventEmitter()
  const note = (level: string) => (fields: object, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`)
    news.emit('line')
  }
  const listen = { host: HOST, port: 0 }
  const jobs = await TftpJobs.open(
    {
      config: {
        listen,
        peers: [],
        descriptionLimit: 10_000,
        lab: { console: 'ttyS0,115200n8', kernelArgs: '' },
        ...config,
      },
      boot: board.boot,
      log: { info: note('info'), warn: note('warn'), error: note('error') },
    },
    listen,
  )
  t.teardown(() => jobs.close())
  const to = (file: string) => ({ server: HOST, port: jobs.port, file })
  const get = async (name: string): Promise<string> => {
    const chunks: Uint8Array[] = []
    await fetchTftp(to(name), chunk => {
      chunks.push(chunk)
    })
    return Buffer.concat(chunks).toString()
  }
  return {
    board,
    jobs,
    lines,
    async logged(pattern) {
      do await once(news, 'line')
      while (!pattern.test(lines.at(-1) ?? ''))
    },
    async put(name, content) {
      const bytes = Buffer.from(content)
      await putTftp(to(name), [bytes], bytes.length)
    },
    get,
    async refused(transfer) {
      const thrown: unknown = await transfer.then(
        () => 'nothing was refused',
        (error: unknown) => error,
      )
      if (thrown instanceof FauxbootError && thrown.code === 'TFTP_REFUSED') {
        return `${thrown.details.number} ${thrown.details.text}`
      }
      throw new Error('expected an ERROR packet', { cause: thrown })
    },
    async ended(name) {
      const { id } = JSON.parse(await get(`${name}/status.json`))
      return { id, states: await statesOf(board.boot, id) }
    },
  }
}

/** A client of 1981, which knows no options: what is sent and what comes is up to the test. */
export class PlainClient {
  readonly #socket = createSocket('udp4')
  #port: number

  private constructor(port: number) {
    this.#port = port
  }

  static async open(t: Test, { jobs }: TestPush): Promise<PlainClient> {
    const client = new PlainClient(jobs.port)
    client.#socket.bind(0, HOST)
    await once(client.#socket, 'listening')
    t.teardown(() => client.#socket.close())
    return client
  }

  /** Say something and wait for the answer, which comes from the port of the transfer. */
  say(packet: Uint8Array): Promise<TftpPacket | null> {
    const answer = this.next()
    this.tell(packet)
    return answer
  }

  /** Say something that has no answer. */
  tell(packet: Uint8Array): void {
    this.#socket.send(packet, this.#port, HOST)
  }

  /** What comes next. */
  async next(): Promise<TftpPacket | null> {
    const [datagram, { port }] = await once(this.#socket, 'message')
    this.#port = port
    return parseTftpPacket(datagram)
  }

  request(op: 'read' | 'write', name: string): Promise<TftpPacket | null> {
    return this.say(requestPacket(op, name, new Map()))
  }

  /**
   * Send a block and wait for its answer. A server that waited for long says its last ACK again: that is none.
   *
   * @param block from 1; up to 512 bytes
   */
  async data(block: number, payload: Uint8Array): Promise<TftpPacket | null> {
    let answer = await this.say(dataPacket(block, payload))
    while (answer?.op === 'ack' && answer.block !== block) answer = await this.next()
    return answer
  }

  ack(block: number): Promise<TftpPacket | null> {
    return this.say(ackPacket(block))
  }
}

/** A host whose jobs wait at the memory map, where planning begins. */
export function heldPlanning(): { readonly gate: Gate; readonly host: BoardChanges['host'] } {
  const gate = new Gate()
  const iomem = async (): Promise<string> => {
    await gate.pass()
    return IOMEM
  }
  return { gate, host: { iomem } }
}
