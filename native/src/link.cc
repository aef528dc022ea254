// Takes a network interface down, so that its DMA cannot write into the next kernel.
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

namespace {

Outcome ClearUp(int fd, const std::string& ifname) {
  ifreq request{};
  std::memcpy(request.ifr_name, ifname.data(), ifname.size());
  if (const Outcome got = ResultOf("ioctl SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &request)); got.error != 0) return got;
  request.ifr_flags = static_cast<short>(request.ifr_flags & ~IFF_UP);
  return ResultOf("ioctl SIOCSIFFLAGS", ioctl(fd, SIOCSIFFLAGS, &request));
}

}  // namespace

Napi::Value LinkDown(const Napi::CallbackInfo& info) {
  const std::string ifname = Text(info[0], "ifname");
  // IFNAMSIZ counts the NUL at the end.
  if (ifname.empty() || ifname.size() >= IFNAMSIZ) {
    throw Napi::RangeError::New(info.Env(), "ifname must have 1 to 15 bytes");
  }
  return Run(info.Env(), [ifname]() -> Outcome {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return ResultOf("socket", fd);
    const Outcome outcome = ClearUp(fd, ifname);
    close(fd);
    return outcome;
  });
}

}  // namespace fauxboot
