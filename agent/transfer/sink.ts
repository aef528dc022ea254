/** Where fetched bytes go. */
export interface Sink {
  /**
   * Take the next bytes. The next chunk is fetched when this has resolved, so a slow sink slows the sender.
   * Its error ends the transfer.
   */
  write(chunk: Uint8Array): Promise<void>
  /**
   * So many more bytes will come, as the server says. An error refuses them before the first one. A sink that cannot run full
   * needs none of this.
   */
  expect?(bytes: number): Promise<void>
  /** Forget everything taken so far: the file starts over. */
  reset(): Promise<void>
}
