// Leaves the running kernel: reboot(2), and sync(2) before it.
#include <sys/reboot.h>
#include <unistd.h>

#include "call.h"
#include "functions.h"

namespace fauxboot {

Napi::Value Jump(const Napi::CallbackInfo& info) {
  return Run(info.Env(), [] { return ResultOf("reboot", reboot(static_cast<int>(RB_KEXEC))); });
}

Napi::Value Restart(const Napi::CallbackInfo& info) {
  return Run(info.Env(), [] { return ResultOf("reboot", reboot(RB_AUTOBOOT)); });
}

Napi::Value PowerOff(const Napi::CallbackInfo& info) {
  return Run(info.Env(), [] { return ResultOf("reboot", reboot(RB_POWER_OFF)); });
}

Napi::Value Sync(const Napi::CallbackInfo& info) {
  return Run(info.Env(), []() -> Outcome {
    sync();
    return {0, "sync"};
  });
}

}  // namespace fauxboot
