// Sends a datagram to a Unix socket, which Node cannot: sd_notify(3) describes the protocol of systemd.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "arguments.h"
#include "call.h"
#include "functions.h"

namespace fauxboot {

Napi::Value Notify(const Napi::CallbackInfo& info) {
  const std::string path = Text(info[0], "path");
  const std::string state = Text(info[1], "state");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
    throw Napi::RangeError::New(info.Env(), "path must be absolute, or begin with @, and have at most 107 bytes");
  }
  memcpy(address.sun_path, path.data(), path.size());
  // The name of an abstract socket begins with NUL and has no other end than the length of the address.
  if (path[0] == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());

  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (const Outcome opened = ResultOf("socket", fd); opened.error != 0) throw SystemError(info.Env(), opened);
  // A receiver whose queue is full must not stop the event loop.
  const Outcome sent = ResultOf("sendto", sendto(fd, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                                 reinterpret_cast<const sockaddr*>(&address), length));
  close(fd);
  if (sent.error != 0) throw SystemError(info.Env(), sent);
  return info.Env().Undefined();
}

}  // namespace fauxboot
