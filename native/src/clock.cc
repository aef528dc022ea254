// Sets the clock of the system.
#include <ctime>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

static_assert(sizeof(time_t) == 8, "times after 2038 need _TIME_BITS=64 on 32-bit machines");

Napi::Value SetClock(const Napi::CallbackInfo& info) {
  timespec time{};
  time.tv_sec = Offset(info[0], "seconds");
  const Outcome outcome = ResultOf("clock_settime", clock_settime(CLOCK_REALTIME, &time));
  if (outcome.error != 0) throw SystemError(info.Env(), outcome);
  return info.Env().Undefined();
}

}  // namespace fauxboot
