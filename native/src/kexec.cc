// The other calls of kexec: kexec_file_load(2), reboot(2) and the sync(2) before it.
#include <linux/kexec.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

Outcome KexecFileLoad(int kernel, int initrd, const std::string& cmdline, uintptr_t flags) {
#ifdef SYS_kexec_file_load
  // The length counts the NUL at the end, which the kernel insists on.
  return Said("kexec_file_load",
              syscall(SYS_kexec_file_load, kernel, initrd, cmdline.size() + 1, cmdline.c_str(), flags));
#else
  return {ENOSYS, "kexec_file_load"};
#endif
}

}  // namespace

Napi::Value FileLoad(const Napi::CallbackInfo& info) {
  const int kernel = Descriptor(info[0], "kernelFd");
  const bool withInitrd = !info[1].IsNull();
  const int initrd = withInitrd ? Descriptor(info[1], "initrdFd") : -1;
  const std::string cmdline = Text(info[2], "cmdline");
  const uintptr_t flags = Word(info[3], "flags") | (withInitrd ? 0 : KEXEC_FILE_NO_INITRAMFS);
  return Run(info.Env(), [=] { return KexecFileLoad(kernel, initrd, cmdline, flags); });
}

Napi::Value Jump(const Napi::CallbackInfo& info) {
  return Run(info.Env(), [] { return Said("reboot", reboot(static_cast<int>(RB_KEXEC))); });
}

Napi::Value Restart(const Napi::CallbackInfo& info) {
  return Run(info.Env(), [] { return Said("reboot", reboot(RB_AUTOBOOT)); });
}

Napi::Value PowerOff(const Napi::CallbackInfo& info) {
  return Run(info.Env(), [] { return Said("reboot", reboot(RB_POWER_OFF)); });
}

Napi::Value Sync(const Napi::CallbackInfo& info) {
  return Run(info.Env(), []() -> Outcome {
    sync();
    return {0, "sync"};
  });
}

}  // namespace fauxboot
