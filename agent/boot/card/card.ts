/** The SD card that the board boots from, as an update needs it. */

/** A card whose driver is loaded. Methods throw CARD_FAILED. */
export interface Card {
  /** @returns `size` bytes from `offset` */
  read(offset: number, size: number): Promise<Uint8Array>
  /** Write, and wait until the card has it. */
  write(offset: number, bytes: Uint8Array): Promise<void>
  /** Make the next read come from the card, not from memory. */
  forget(): Promise<void>
  /** Let the driver go. */
  close(): Promise<void>
}

/** The place of the card. */
export interface CardSlot {
  /**
   * Load the driver and find the card.
   *
   * @throws CARD_ABSENT if the board has none with two slots
   */
  open(): Promise<Card>
}
