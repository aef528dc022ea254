/** A line that a console talks over: a serial port, a TCP connection, a terminal. Bytes are text, as latin1. */

import type { SerialDamage } from '../../boot/board/serial-damage.js'

export interface ConsoleLine {
  /** for the log: `/dev/ttyS0`, `tcp 10.0.2.2:50312` */
  readonly name: string
  /**
   * Begin to receive; called once. Nothing that came before is lost.
   *
   * @param listener returns false when the sender should wait, until {@link resume}
   */
  receive(listener: (bytes: string) => boolean): void
  resume(): void
  /** Send, after all that was sent before. */
  send(bytes: string): void
  /** Damage of the input since the driver was loaded. Null, or missing, for a line that counts none. */
  damage?(): Promise<SerialDamage | null>
  /** Null when the line takes more; otherwise resolves when it does, or when it has made no progress for 10 s. */
  room(): Promise<void> | null
  /** Resolves when everything sent has left the line. */
  drained(): Promise<void>
  /** Resolves when the other end is gone; for a serial line, when the port is gone. */
  readonly ended: Promise<void>
  /** What was typed there ends with the other end, as after ^C; missing or false: it goes on. */
  readonly interruptsAtEnd?: boolean
  close(): void
}
