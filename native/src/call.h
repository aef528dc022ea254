// System calls: their results, and how to make one without blocking the event loop.
#pragma once

#include <napi.h>

#include <functional>

namespace fauxboot {

/// The result of a system call: `error` is 0, or the errno of the call named by `syscall`.
struct Outcome {
  int error;
  const char* syscall;
};

/// The outcome of a system call that has just returned: errno is valid only if `result` is negative.
Outcome ResultOf(const char* syscall, long result);

/// The JavaScript error for a failed call, in the form of Node's own: `errno` (negative), `code` ("EPERM"), `syscall`.
Napi::Error SystemError(Napi::Env env, const Outcome& outcome);

/// Runs on libuv's thread pool, so it must not use JavaScript or N-API.
using Blocking = std::function<Outcome()>;

/// Runs on the event loop after the blocking part, and may change its outcome.
using Afterwards = std::function<Outcome(const Outcome&)>;

/// Makes a blocking call off the event loop. Both functions live until the promise has settled and are destroyed on
/// the event loop, so they may own references to JavaScript values.
///
/// @return a promise of undefined, rejected with SystemError
Napi::Value Run(Napi::Env env, Blocking blocking, Afterwards afterwards = nullptr);

}  // namespace fauxboot
