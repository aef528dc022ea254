/** Runs the real tools (dtc, mkimage, xz, cpio ...) that our formats are held against. */
import { execFileSync } from 'node:child_process'

/**
 * Run a tool and return its output.
 *
 * @param input given to it on standard input
 * @throws when it cannot be started or fails, with what it said
 */
export function peer(
  command: string,
  args: readonly string[],
  input: Uint8Array = new Uint8Array(),
  cwd = '.',
): Buffer {
  return execFileSync(command, args, { input, cwd, maxBuffer: 0x1000_0000, stdio: ['pipe', 'pipe', 'pipe'] })
}
