// Sets the timeout of a hardware watchdog (Documentation/watchdog/watchdog-api.rst). Node does the rest: opening the device
// starts the watchdog, and writing feeds it.
#include <linux/watchdog.h>
#include <sys/ioctl.h>

#include <climits>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

Napi::Value WatchdogTimeout(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const uintptr_t seconds = Word(info[1], "seconds");
  if (seconds == 0 || seconds > INT_MAX) {
    throw Napi::RangeError::New(info.Env(), "seconds must be from 1 to 2147483647");
  }
  int timeout = static_cast<int>(seconds);
  const Outcome outcome = ResultOf("ioctl WDIOC_SETTIMEOUT", ioctl(fd, WDIOC_SETTIMEOUT, &timeout));
  if (outcome.error != 0) throw SystemError(info.Env(), outcome);
  return Napi::Number::New(info.Env(), timeout);
}

}  // namespace fauxboot
