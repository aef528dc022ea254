/** What can go wrong in the native part. The addon knows nobody, so these are plain errors; callers translate them. */

/** A system call that the kernel refused. The message holds the whole call, so that it can be read alone. */
export class NativeError extends Error {
  override readonly name = 'NativeError'
  /** as in errno(3), positive */
  readonly errno: number
  /** `EPERM` */
  readonly errname: string
  /** the system call alone: `kexec_load` */
  readonly syscall: string
  /** the call with its arguments: `kexec_load(entry 0x42000000, ...)` */
  readonly call: string

  /** @param failed the error of Node or of the addon, whose `errno` is negative; it becomes the cause */
  constructor(call: string, failed: Error & { errno: number; code: string; syscall: string }) {
    super(`${call} failed: ${failed.code} (${-failed.errno})`, { cause: failed })
    this.call = call
    this.errno = -failed.errno
    this.errname = failed.code
    this.syscall = failed.syscall
  }
}

/** Arguments that are wrong whatever the kernel would say: the call was not made. */
export class NativeArgumentError extends Error {
  override readonly name = 'NativeArgumentError'
  /** the call with its arguments */
  readonly call: string
  /** which argument, what was expected, what was found */
  readonly reason: string

  constructor(call: string, reason: string, options?: ErrorOptions) {
    super(`${call}: ${reason}`, options)
    this.call = call
    this.reason = reason
  }
}

/** The addon is not there or does not fit this Node. */
export class AddonError extends Error {
  override readonly name = 'AddonError'
}
