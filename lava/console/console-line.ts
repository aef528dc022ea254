/** The serial console of a board, however the lab leads it here: bytes both ways. */

export interface ConsoleLine {
  /** the console as it was asked for, for people: `telnet://server:5001` */
  readonly name: string
  /** Bytes from the board; ends when the line is gone. Only one reader may read it, once. */
  readonly input: AsyncIterable<Uint8Array>
  /**
   * Send bytes to the board.
   *
   * @throws CONSOLE_GONE if the line is gone or accepts nothing for long
   */
  write(bytes: Uint8Array): Promise<void>
  /** resolves with why the line ended */
  readonly ended: Promise<string>
  /** Let go of the line; `ended` resolves. */
  close(): Promise<void>
}
