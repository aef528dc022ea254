// Prepares a serial line for the console of a boot loader: every byte passes unchanged, at the speed already set.
#include <termios.h>

#include <cerrno>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

Napi::Value RawTty(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  termios mode{};
  if (const Outcome got = ResultOf("tcgetattr", tcgetattr(fd, &mode)); got.error != 0) throw SystemError(info.Env(), got);
  cfmakeraw(&mode);
  // A lab's cable seldom has modem lines. Without CLOCAL, a missing carrier would block the line.
  mode.c_cflag |= CLOCAL | CREAD;
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  if (const Outcome set = ResultOf("tcsetattr", tcsetattr(fd, TCSANOW, &mode)); set.error != 0) {
    throw SystemError(info.Env(), set);
  }
  return info.Env().Undefined();
}

Napi::Value DrainTty(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  return Run(info.Env(), [fd]() -> Outcome {
    int result;
    do {
      result = tcdrain(fd);
    } while (result < 0 && errno == EINTR);
    return ResultOf("tcdrain", result);
  });
}

}  // namespace fauxboot
